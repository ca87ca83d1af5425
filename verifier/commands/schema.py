"""``lynxspec schema`` with the audit record's schema beside the specification's own."""

from __future__ import annotations

import argparse

from lynxspec.cli.schema import configure
from lynxspec.cli.schema import run as run_schema
from lynxspec.schema import PUBLISHED, Published
from verifier.audit.record import Record

RECORD = Published(name="audit-record", title="LynxSpec audit record", version="1.0", model=Record)

__all__ = ["configure", "run"]


def run(arguments: argparse.Namespace) -> int:
    """As the specification's command."""
    return run_schema(arguments, published=(*PUBLISHED, RECORD))
