"""How a lint run is shown: one file per format, each ending in one frozen ``REPORTER``."""
