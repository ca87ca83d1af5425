"""A claim as the verifier takes it: read once, linted, and refused if it is not complete."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from lynxspec.claim import Claim, Recipe
from lynxspec.document import read
from lynxspec.errors import UnreadableInput
from lynxspec.importers.importer import load
from lynxspec.lint.engine import lint
from lynxspec.lint.rule import Finding
from lynxspec.scoring import Scorecard, score
from lynxspec.validation import validate
from lynxspec.vocabulary import REQUIRED, Component, Status
from verifier.errors import ClaimRefused, VerifierError
from verifier.schedule import schedule

MAX_CLAIM_BYTES = 4 * 2**20
"""As for the reader; a larger file is not even read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenClaim:
    """A claim with its bytes and its lint."""

    path: Path
    source: bytes
    sha256: str
    claim: Claim
    findings: tuple[Finding, ...]
    scorecard: Scorecard


def open_claim(path: Path) -> OpenClaim:
    """Read, validate and lint the claim at ``path``; incomplete ones are returned, too (see `require_complete`)."""
    source = _bytes(path)
    draft = load(source, source=str(path))
    if draft.claim is None:
        raise UnreadableInput(f"{path}: not a claim file", hint="`lynxspec verify` runs *.claim.yaml")
    findings = lint(draft)
    return OpenClaim(
        path=path,
        source=source,
        sha256=hashlib.sha256(source).hexdigest(),
        claim=draft.claim,
        findings=findings,
        scorecard=score(draft, findings),
    )


DECIDED_BY_MEASURING = frozenset(
    {
        Component.THROUGHPUT_GAIN,
        Component.SUSTAINED_THROUGHPUT,
        Component.ACCURACY_RESULT,
        Component.ACCURACY_REFERENCE,
    }
)
"""Components whose contradiction is between two numbers: which of them is wrong is what a run finds out, and a claim
whose numbers disagree deserves to be refuted rather than sent back."""


def require_complete(opened: OpenClaim) -> None:
    """Raise `ClaimRefused` with the missing components unless the claim may be verified."""
    names = [a.name for a in opened.claim.model.artifacts] + [d.name for d in opened.claim.data]
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ClaimRefused(f"{opened.path}: two files are called {', '.join(twice)}", tuple(twice), hint="rename one")
    try:
        schedule(opened.claim.load)
    except VerifierError as error:
        raise ClaimRefused(f"{opened.path}: {error.message}", ("load",), hint=error.hint) from error
    if opened.scorecard.complete:
        return
    missing = tuple(
        f"{component} ({disclosure.status})"
        for component, disclosure in opened.scorecard.disclosures.items()
        if component in REQUIRED
        and (
            disclosure.status is Status.MISSING
            or (disclosure.status is Status.CONTRADICTED and component not in DECIDED_BY_MEASURING)
        )
    )
    if not missing:
        return
    raise ClaimRefused(
        f"{opened.path}: the claim is not complete, so nothing was run; missing or contradicted: {', '.join(missing)}",
        missing,
        hint=f"`lynxspec lint {opened.path}` says where and what to disclose",
    )


def open_recipe(path: Path) -> tuple[Recipe, bytes]:
    """Read and validate the recipe at ``path``."""
    source = _bytes(path)
    recipe = validate(read(source, source=str(path)))
    if not isinstance(recipe, Recipe):
        raise UnreadableInput(f"{path}: a claim, not a recipe", hint="`lynxspec verify` runs claims")
    return recipe, source


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_CLAIM_BYTES + 1)
    except OSError as error:
        raise UnreadableInput(f"{path}: {error.strerror}", hint="check the path") from error
