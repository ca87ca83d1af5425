"""``lynxspec lint``: claims in, findings and score out."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from lynxspec.cli.buyer import linted, read_need
from lynxspec.cli.command import explain_error
from lynxspec.cli.targets import STDIN, targets
from lynxspec.draft import Draft
from lynxspec.errors import LynxSpecError, UnreadableInput, UsageError
from lynxspec.importers.importer import load, load_together
from lynxspec.lint.engine import rules
from lynxspec.lint.rule import Severity
from lynxspec.reporters import reporter
from lynxspec.reporters.reporter import LABELS, Failure, LintedDocument, LintRun, View

NEVER = "never"
PROFILES = ("buyer", "vendor", "auditor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One report to write: in a format, to a file or to standard output."""

    format: str
    file: str | None


class InOrder(argparse.Action):
    """Keeps ``--format`` and ``--output`` in the order in which they were given, since they come in pairs."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse's signature
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Append the option."""
        namespace.reports = [*namespace.reports, (option_string, str(values))]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``lynxspec lint``."""
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="claims, spec sheets, folders of them, patterns, or - for stdin"
    )
    parser.set_defaults(reports=[])
    parser.add_argument(
        "--format",
        action=InOrder,
        dest="reports",
        metavar="FORMAT",
        help=f"{', '.join(reporter.formats())}; default text; repeatable, each with its --output",
    )
    parser.add_argument(
        "--output", "-o", action=InOrder, dest="reports", metavar="FILE", help="write the --format before it to FILE"
    )
    parser.add_argument(
        "--fail-on",
        choices=(*LABELS.values(), NEVER),
        default="warning",
        help="least severity that makes the exit code 1 (default: warning)",
    )
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default="buyer",
        help="on whose behalf; only a vendor honours the ignores inside its own file (default: buyer)",
    )
    parser.add_argument(
        "--together", action="store_true", help="read all spec sheets as the one claim that they make together"
    )
    parser.add_argument("--need", metavar="FILE", help="what you will deploy; `lynxspec init need` writes a template")
    parser.add_argument("--stdin-filename", metavar="NAME", help="what standard input is called in reports")
    parser.add_argument("--quiet", "-q", action="store_true", help="findings only, and no summary")


def run(arguments: argparse.Namespace) -> int:
    """Lint all documents, write all reports; the worst document decides the exit code."""
    outputs = pair(arguments.reports)
    result = _lint(arguments)
    for failure in result.failures:
        explain_error(failure.error)
    for output in outputs:
        _write(output, result, brief=arguments.quiet)
    if not arguments.quiet:
        sys.stdout.flush()
        sys.stderr.write(summary(result) + "\n")
    return exit_code(result, arguments.fail_on)


def pair(options: list[tuple[str, str]]) -> tuple[Output, ...]:
    """Give each file to the format next to it: the one before, or else the one behind."""
    formats: list[str] = []
    files: list[str | None] = []
    waiting: str | None = None
    for option, value in options:
        if option == "--format":
            _known(value)
            formats.append(value)
            files.append(waiting)
            waiting = None
        elif files and files[-1] is None:
            files[-1] = value
        elif waiting is None:
            waiting = value
        else:
            raise _no_format(waiting)
    if waiting is not None and formats:
        raise _no_format(waiting)
    if not formats:
        return (Output(format="text", file=waiting),)
    if files.count(None) > 1:
        raise UsageError("only one format can go to standard output", hint="give the others an --output FILE each")
    named = [file for file in files if file is not None]
    if len(set(named)) < len(named):
        raise UsageError("two formats would be written to the same file", hint="give each an --output FILE of its own")
    return tuple(Output(format=name, file=file) for name, file in zip(formats, files, strict=True))


def _no_format(file: str) -> UsageError:
    """Say that a file has no format."""
    return UsageError(f"--output {file}: no format to write to it", hint="put a --format before each --output")


def _known(name: str) -> None:
    """Refuse a format that is not there."""
    if name not in reporter.formats():
        raise UsageError(f"no format is called `{name}`", hint=f"formats: {', '.join(reporter.formats())}")


def _lint(arguments: argparse.Namespace) -> LintRun:
    """Lint every document that the paths mean."""
    need = read_need(arguments.need) if arguments.need is not None else None
    documents: list[LintedDocument] = []
    failures: list[Failure] = []
    for name, read in _together(arguments.paths) if arguments.together else _one_by_one(arguments):
        try:
            documents.append(linted(read(), profile=arguments.profile, need=need))
        except LynxSpecError as error:
            failures.append(Failure(source=name, error=error))
    return LintRun(
        documents=tuple(documents),
        failures=tuple(failures),
        rules=rules(),
        profile=arguments.profile,
    )


def _one_by_one(arguments: argparse.Namespace) -> Iterator[tuple[str, Callable[[], Draft]]]:
    """Yield each document's name and the way to read it."""
    for target in targets(arguments.paths):
        if isinstance(target, UnreadableInput):
            yield target.message.partition(": ")[0], partial(_refuse, target)
        elif target == STDIN:
            name = arguments.stdin_filename or STDIN
            yield name, partial(_read_stdin, name)
        else:
            yield target, partial(load, target)


def _together(paths: list[str]) -> Iterator[tuple[str, Callable[[], Draft]]]:
    """Yield all documents as one; with one of them unread, what they say together is not known."""
    found = targets(paths)
    unread = [target for target in found if isinstance(target, UnreadableInput)]
    names = [target for target in found if not isinstance(target, UnreadableInput)]
    if STDIN in names:
        raise UsageError("standard input cannot be read together with files", hint="write it to a file first")
    if unread:
        yield unread[0].message.partition(": ")[0], partial(_refuse, unread[0])
        return
    yield " + ".join(names), partial(load_together, names)


def _read_stdin(name: str) -> Draft:
    return load(sys.stdin.buffer.read(), source=name)


def _refuse(error: UnreadableInput) -> NoReturn:
    raise error


def _write(output: Output, result: LintRun, *, brief: bool) -> None:
    """Write one report."""
    to_terminal = output.file is None and sys.stdout.isatty()
    colour = to_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    text = reporter.load(output.format).render(result, View(colour=colour, brief=brief))
    if output.file is None:
        sys.stdout.buffer.write(text.encode())
        return
    try:
        Path(output.file).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{output.file}: cannot be written: {error.strerror}", hint="check the folder") from error


def summary(result: LintRun) -> str:
    """Sum up in one line for people."""
    counted = [finding for document in result.documents for finding in document.counted]
    by_severity = [(LABELS[s], sum(f.severity is s for f in counted)) for s in reversed(Severity)]
    counts = ", ".join(f"{count} {label}" for label, count in by_severity if count) or "no findings"
    unread = f", {len(result.failures)} without result" if result.failures else ""
    files = len(result.documents)
    return f"{files} document{'' if files == 1 else 's'}: {counts}{unread}"


def exit_code(result: LintRun, fail_on: str) -> int:
    """Tell the exit code: 0 nothing at or above ``fail_on``, 1 findings, 2 unreadable, 4 our failure; worst wins."""
    codes = [failure.error.exit_code for failure in result.failures]
    if fail_on != NEVER:
        least = next(severity for severity, label in LABELS.items() if label == fail_on)
        codes += [1 for document in result.documents for f in document.counted if f.severity >= least]
    return max(codes, default=0)
