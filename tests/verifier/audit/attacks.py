"""The register of attacks: each is one small function, named after what it does, that makes one file from genuine ones.

`check` must reject what an attack makes, for one of the reasons that the attack names; an attack that leaves the file
intact but the signer or time unknown must at least be weak (``least=3``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography import x509

from .genuine import Genuine


@dataclass(frozen=True, kw_only=True)
class Forgery:
    """A file, and what its reader brings along where that is not the genuine anchor and list."""

    pdf: bytes
    claim: bytes | None = None
    trust: Sequence[x509.Certificate] | None = None
    stamp_trust: Sequence[x509.Certificate] = ()
    crls: Sequence[x509.CertificateRevocationList] | None = None
    signers: Sequence[str] = ()
    not_before: str | None = None
    countersignatures: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, kw_only=True)
class Attack:
    """How to make one, and how it must be answered."""

    group: str
    name: str
    make: Callable[[Genuine], bytes | Forgery]
    reasons: frozenset[str] = field(default_factory=frozenset)
    code: int = 1

    def forgery(self, genuine: Genuine) -> Forgery:
        made = self.make(genuine)
        return made if isinstance(made, Forgery) else Forgery(pdf=made)


ATTACKS: list[Attack] = []


def attack(group: str, *reasons: str, code: int = 1):
    """Register an attack of a class with the reasons by which it may be rejected."""

    def register(make):
        ATTACKS.append(Attack(group=group, name=make.__name__, make=make, reasons=frozenset(reasons), code=code))
        return make

    return register
