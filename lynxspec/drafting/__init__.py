"""Draft files: written from what spec sheets say, read back, and turned into a claim once every hole is filled."""
