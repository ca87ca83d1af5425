"""Facts with sources, as data: hardware, format support, tool chains by version, presets and spellings.

Each table stands in ``data/`` beside its loader, names its source in every row, and is read when first asked for.
What a table does not know is unknown, never "no".
"""
