"""Errors of the verifier, below the tree in `lynxspec.errors`.

::

    LynxSpecError
    └── VerifierError
        ├── ClaimRefused        exit 2: the claim is not complete; nothing was run
        ├── ToolUnavailable     a runtime or quantizer is not installed (the hint is the pip line)
        ├── NotBuilt            this verifier has no way to do it for that kind of file or tool
        ├── ToolFailed          a worker crashed, hung or raised: our evidence, never the vendor's guilt
        ├── MaterialUnavailable a file could not be fetched or has another digest
        ├── SigningFailed       exit 2: key, passphrase or time stamp
        └── RecordRejected      exit 1: an audit record that does not check out (``reason`` is a code)
"""

from __future__ import annotations

from lynxspec.errors import LynxSpecError


class VerifierError(LynxSpecError):
    """Base of the verifier's own errors."""


class ClaimRefused(VerifierError):
    """The claim lacks required components; ``missing`` names them."""

    exit_code = 2

    def __init__(self, message: str, missing: tuple[str, ...], *, hint: str | None = None) -> None:
        """Keep the names, so that they can be listed."""
        super().__init__(message, hint=hint)
        self.missing = missing


class ToolUnavailable(VerifierError):
    """A tool that the claim names is not installed here."""


class NotBuilt(VerifierError):
    """Nothing failed: this verifier has no way to do it for that kind of file or tool."""


class ToolFailed(VerifierError):
    """A worker ended without an answer."""


class MaterialUnavailable(VerifierError):
    """A file of the claim is not to be had, or is not the file that it should be."""


class SigningFailed(VerifierError):
    """The record could not be signed."""

    exit_code = 2


class RecordRejected(VerifierError):
    """An audit record failed a check; ``reason`` is a stable code such as ``signature-altered``."""

    exit_code = 1

    def __init__(self, message: str, reason: str, *, hint: str | None = None) -> None:
        """``reason`` lets a program tell the rejections apart."""
        super().__init__(message, hint=hint)
        self.reason = reason
