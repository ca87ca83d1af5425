"""``lynxspec init``: a commented template that validates once its holes are filled."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lynxspec import templates
from lynxspec.errors import UsageError

TEMPLATES = {"claim": templates.claim, "recipe": templates.recipe, "need": templates.need}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``lynxspec init``."""
    parser.add_argument("kind", choices=tuple(TEMPLATES), help="what to write")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="a new file, e.g. model.claim.yaml")


def run(arguments: argparse.Namespace) -> int:
    """Write the template; what someone has already filled in is never overwritten."""
    text = TEMPLATES[arguments.kind]()
    if arguments.output is None:
        sys.stdout.write(text)
        return 0
    try:
        with arguments.output.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{arguments.output}: exists already", hint="name a new file") from error
    except OSError as error:
        raise UsageError(f"{arguments.output}: {error.strerror}", hint="name a file that can be written") from error
    sys.stdout.write(f"{arguments.output}\n")
    return 0
