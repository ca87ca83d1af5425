"""``lynxspec schema`` with those of audit records beside the specification's own."""

from __future__ import annotations

import argparse

from lynxspec.cli.schema import configure
from lynxspec.cli.schema import run as run_schema
from lynxspec.schema import PUBLISHED, Published
from verifier.audit.attestation import AuditStatement
from verifier.audit.countersignature import Countersignature
from verifier.audit.record import Record

OURS = (
    Published(name="audit-record", title="LynxSpec audit record", version="1.0", model=Record),
    Published(name="attestation", title="LynxSpec attestation (in-toto)", version="1.0", model=AuditStatement),
    Published(name="countersignature", title="LynxSpec countersignature", version="1.0", model=Countersignature),
)

__all__ = ["configure", "run"]


def run(arguments: argparse.Namespace) -> int:
    """As the specification's command."""
    return run_schema(arguments, published=(*PUBLISHED, *OURS))
