"""The verifier: redo a claim on this machine, judge it clause by clause, and sign what was found."""
