"""Telemetry of a measurement: a sampler process of its own reads every sensor of the machine that can be read."""

from verifier.telemetry.sampling import HostSampler, Snapshot, sample_between

__all__ = ["HostSampler", "Snapshot", "sample_between"]
