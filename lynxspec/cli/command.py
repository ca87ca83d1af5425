"""A command as data, and the one place where a command's end becomes an exit code.

Starting fast is a feature of a linter, so a table of `Command` names modules and imports none of them: a module is
imported when its command is called, and the parser that is built is that command's alone.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import NoReturn, Protocol, cast

from lynxspec.errors import InvalidDocument, LynxSpecError
from lynxspec.location import format_location
from lynxspec.plain_text import visible

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells count it: 128 and the signal's number."""


BROKEN_PIPE = 141
"""Exit code when the reader of our output has gone: no answer was given, least of all "it does not hold"."""


class CommandModule(Protocol):
    """What the module of a command holds."""

    def configure(self, parser: argparse.ArgumentParser, /) -> None:
        """Add the command's arguments."""

    def run(self, arguments: argparse.Namespace, /) -> int:
        """Do it; return the exit code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of the program."""

    name: str
    """The word on the command line."""
    summary: str
    """One line for the list of commands."""
    module: str
    """Full name of its `CommandModule`."""
    group: str
    """Heading under which it is listed."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints look like all our errors."""

    def error(self, message: str) -> NoReturn:
        """Say it and end with 2."""
        complain(message, f"see `{self.prog} --help`")
        raise SystemExit(2)


def complain(message: str, hint: str | None) -> None:
    """Tell people of an error and of its way out."""
    sys.stderr.write(f"error: {visible(message, newlines=True)}\n")
    if hint:
        sys.stderr.write(f"hint: {visible(hint, newlines=True)}\n")


def explain_error(error: LynxSpecError) -> None:
    """Print ``error``; of an invalid document all violations, each with its place."""
    complain(error.message, None if isinstance(error, InvalidDocument) else error.hint)
    if isinstance(error, InvalidDocument):
        for violation in error.violations:
            way_out = f"; {violation.suggestion}" if violation.suggestion else ""
            sys.stderr.write(visible(f"{format_location(violation.location)}: {violation.message}{way_out}") + "\n")
        if error.hint:
            sys.stderr.write(f"hint: {visible(error.hint)}\n")


def version() -> str:
    """Version of the installed distribution."""
    from importlib.metadata import version as installed  # noqa: PLC0415 - costs more than the rest of a start

    return installed("lynxspec")


def overview(commands: tuple[Command, ...]) -> str:
    """Lay out the help page: the commands, by group."""
    lines = [
        "usage: lynxspec COMMAND ...",
        "",
        "Write, lint and reproduce quantization claims; get a signed audit record.",
    ]
    width = max(len(command.name) for command in commands)
    for group in dict.fromkeys(command.group for command in commands):
        lines += ["", f"{group}:"]
        lines += [f"  {c.name:<{width}}  {c.summary}" for c in commands if c.group == group]
    lines += [
        "",
        "`lynxspec COMMAND --help` tells more; `lynxspec --version` prints the version.",
        "Exit codes: 0 it holds, 1 it does not, 2 usage or unreadable input, 3 undecided, 4 our own failure.",
    ]
    return "\n".join(lines)


def dispatch(commands: tuple[Command, ...], arguments: list[str]) -> int:
    """Run the command that ``arguments`` name."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(overview(commands) + "\n")
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        sys.stdout.write(f"lynxspec {version()}\n")
        return 0
    word, *rest = arguments
    command = next((c for c in commands if c.name == word), None)
    if command is None:
        from difflib import get_close_matches  # noqa: PLC0415 - only a typing error needs it

        near = get_close_matches(word, [c.name for c in commands], n=1)
        complain(f"`{word}` is no command", f"did you mean `{near[0]}`?" if near else "`lynxspec --help` lists them")
        return 2
    module = cast("CommandModule", import_module(command.module))
    parser = Parser(prog=f"lynxspec {command.name}", description=command.summary, allow_abbrev=False)
    module.configure(parser)
    return module.run(parser.parse_args(rest))


def run(commands: tuple[Command, ...], arguments: list[str] | None = None) -> int:
    """Run a command and turn every way it can end into an exit code."""
    gc.set_threshold(100_000)  # imports allocate much and free nothing: collecting meanwhile only costs time
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # no other package decides what a valid claim is
    try:
        code = dispatch(commands, sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except LynxSpecError as error:
        explain_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        complain("interrupted", None)
        return INTERRUPTED
    except BrokenPipeError:
        # the reader of our output has gone (`| head`); Python must not complain again when it closes stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        if os.environ.get("LYNXSPEC_DEBUG"):
            raise
        complain(f"internal failure: {type(error).__name__}: {error}", "LYNXSPEC_DEBUG=1 shows where; please report it")
        return 4
    return code
