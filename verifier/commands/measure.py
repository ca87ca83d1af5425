"""``lynxspec measure``: run a recipe and write the complete claim."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lynxspec.errors import UsageError
from lynxspec.plain_text import visible
from verifier.commands import options
from verifier.opening import open_recipe
from verifier.progress import Lines, duration

SUFFIX = ".claim.yaml"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="a recipe (*.recipe.yaml)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the claim, NAME.claim.yaml")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the run (default: FILE's name with .run)")
    parser.add_argument(
        "--without-models",
        action="store_true",
        help="keep no quantized models beside the claim: it then names them by digest, and the recipe must give them",
    )
    options.add_files(parser)
    options.add_environments(parser)
    options.add_quiet(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the stages, write the claim and the quantized models beside it."""
    if not arguments.output.name.endswith(SUFFIX):
        raise UsageError(f"{arguments.output}: a claim's name ends in {SUFFIX}", hint=f"-o NAME{SUFFIX}")
    recipe, source = open_recipe(arguments.recipe)
    from verifier.authoring import (  # noqa: PLC0415 - nothing heavy before the recipe is accepted
        claim_of,
        open_clauses,
        write_claim,
    )
    from verifier.environments.prepare import require_known  # noqa: PLC0415 - as above
    from verifier.recording import RunFolder  # noqa: PLC0415 - as above
    from verifier.reproduction.plan import estimate  # noqa: PLC0415 - as above

    progress = options.progress_of(arguments)
    if isinstance(progress, Lines):
        total = sum(seconds for _, seconds in estimate(recipe))
        sys.stderr.write(f"Measuring {recipe.identity.title}: about {duration(total)}\n")
    stem = arguments.output.name.removesuffix(SUFFIX)
    folder = RunFolder(arguments.out or arguments.output.with_name(f"{stem}.run"))
    overrides, wishes = options.overrides_of(arguments), options.wishes_of(arguments)
    require_known(wishes, [recipe])
    job = folder.job(recipe, source, arguments.recipe, overrides=overrides, progress=progress, wishes=wishes)
    beside = None if arguments.without_models else arguments.output.parent
    evidence = folder.run(job, detect_inert=False)
    claim = claim_of(job, evidence, folder=beside, stem=stem)
    write_claim(claim, arguments.output)
    for verdict in open_clauses(claim, evidence):
        words = visible(f"{verdict.id} is not confirmed by its own measurement: {verdict.explanation}")
        sys.stderr.write(f"warning: {words}\n")
    sys.stdout.write(f"{arguments.output}\n")
    return 0
