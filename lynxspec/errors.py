"""Every error that the package raises, as one tree.

::

    LynxSpecError               what went wrong, where, and what to do (``hint``)
    ├── UsageError              exit 2: the command or its options are off
    ├── UnreadableInput         exit 2: a file that cannot be read as what it should be
    │   ├── HostileInput        ... because it crosses a safety limit
    │   └── InvalidDocument     ... because it violates its schema (``violations``)
    ├── RuleFailed              exit 4: a lint rule of ours could not run; never counted as a pass
    └── InternalError           exit 4: our own failure where no result could be made
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lynxspec.location import Violation


class LynxSpecError(Exception):
    """Base of all errors; ``exit_code`` is what a command that ends with it returns."""

    exit_code = 4

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """``message`` says what and where, ``hint`` what the reader can do about it."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(LynxSpecError):
    """The command line, a configuration file or a combination of options is wrong."""

    exit_code = 2


class UnreadableInput(LynxSpecError):
    """A file is missing, of an unknown kind, or not readable as what it claims to be."""

    exit_code = 2


class HostileInput(UnreadableInput):
    """A file crosses a safety limit (depth, size, aliases, ...); nothing of it is used."""


class InvalidDocument(UnreadableInput):
    """A document violates its schema; ``violations`` holds all of them, in file order."""

    def __init__(self, message: str, violations: tuple[Violation, ...], *, hint: str | None = None) -> None:
        """All ``violations`` at once, so that one run shows everything that is wrong."""
        super().__init__(message, hint=hint)
        self.violations = violations


class RuleFailed(LynxSpecError):
    """A lint rule raised instead of answering: our defect, reported as such."""


class InternalError(LynxSpecError):
    """Something that cannot happen did; no result can be given."""
