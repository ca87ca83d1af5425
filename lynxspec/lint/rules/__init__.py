"""The rules: one file each, or one for a tight family, found by `lynxspec.lint.engine`."""
