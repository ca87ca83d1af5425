"""Ways from a file to a draft: one file per foreign format, each ending in one frozen ``IMPORTER``."""
