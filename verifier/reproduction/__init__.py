"""The stages of a reproduction, in order; see `verifier.reproduction.run`."""
