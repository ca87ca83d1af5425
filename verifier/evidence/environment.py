"""The environment that a regime's quantizer or runtime ran in: exact packages, or why there is none."""

from __future__ import annotations

from typing import Literal

from lynxspec.claim.base import Frozen, Sha256

Role = Literal["quantizer", "runtime"]


class EnvironmentReport(Frozen):
    """One tool of one regime."""

    regime: str
    role: Role
    tool: str
    """Name as the claim writes it."""
    declared: str
    """Version as declared."""
    version: str
    """Version that is in the environment; empty if there is no environment, or the tool is not in it."""
    origin: Literal["host", "given", "built", "none"]
    """``host``: the interpreter that the verifier runs in; ``given``: the reader's own; ``built``: from the lock."""
    status: Literal["ok", "unavailable", "cannot_execute"]
    """``unavailable``: the declared version is not to be had; ``cannot_execute``: it is, and lacks a device here."""
    message: str
    """Why not; or that another version was substituted on request. Empty if neither."""
    python: str
    """Version of the interpreter."""
    packages: dict[str, str]
    """Versions of the packages that the tool needs, or of all that a built environment holds."""
    lock: tuple[str, ...]
    """``name==version --hash=sha256:...`` of every package, sorted; without hashes where we did not install it."""
    lock_sha256: Sha256 | None
    """Digest of the lock's lines; ``None`` without an environment."""
