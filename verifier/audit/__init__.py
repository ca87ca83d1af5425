"""The audit record: claim, evidence and verdicts as a signed PDF, and the strictest reader of it."""
