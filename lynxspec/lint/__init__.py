"""The linter: rules over a draft, and the engine that runs them."""
