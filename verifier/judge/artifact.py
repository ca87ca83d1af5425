"""Judges of the quantized artifact: does the recipe give it again, do its options do anything, is it on its grid."""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Claim, Regime, present
from lynxspec.claim.calibration import Calibration
from lynxspec.claim.subject import File
from lynxspec.vocabulary import Algorithm, Approach
from verifier.evidence import ArtifactComparison, InertOption, ItemScores, QuantizationRun, WeightError
from verifier.judge.accuracy import margin_in
from verifier.judge.case import Case
from verifier.judge.clause import Finding, absent, clause, deviations, failed, gate, number, percent
from verifier.judge.materiality import Effect, concerning
from verifier.judge.signal import fit_notes
from verifier.verdict import ClauseKind, ClauseVerdict, Reason

SAME_PLATFORM_SCALES = 1e-6
"""Relative difference of activation scales that thread scheduling and library builds may cause on one platform."""
OTHER_PLATFORM_SCALES = 1e-3
"""The same between platforms, whose sums of products differ in the last bits; another method or data set moves scales
by percents."""
OFF_GRID_SHARE = 1e-3
"""Share of weights beyond half a step that cannot be ties or repairs of single values."""

UNMATCHED_SHARE = 0.05
"""Share of weight tensors without a counterpart beyond which the rest does not speak for all."""

ARTIFACT_RULE = (
    "Reproduced in three grades: same bytes; same quantized weights with scales within 1e-6 (1e-3 on another "
    "platform); or, where the claim promises no more, equal accuracy within its tolerance. Refuted only if a "
    "deterministic tool in the declared version, on hardware as declared, gives other scales or weights than the "
    "claimed file holds. Otherwise, and without that file, inconclusive: other versions of what writes files change "
    "bytes and mean nothing."
)
EFFECT_RULE = (
    "Reproduced if the declared recipe ran here and every declared calibration sample entered the statistics; options "
    "that change nothing are reported as inert and are no lie. A tool that fails here makes the clause inconclusive, "
    "and so does one that leaves samples out: the claimant need not know, but the calibration is not as declared."
)
GRID_RULE = (
    "Only for round-to-nearest: no unclipped weight may lie further than half a step of its own scale from the "
    "reference's; in a floating-point format the step is the spacing at that weight, and a weight outside the range "
    "must lie at its end. Refuted if more than 0.1 % of the supplied file's weights do otherwise while the same "
    "measurement finds the recipe's own artifact on its grid; otherwise inconclusive."
)


def judge_artifact(case: Case) -> Iterator[ClauseVerdict]:
    """Does the recipe give the claimed artifact again; and is the file of each regime the one that it names."""
    for regime in case.claim.regimes:
        file = present(regime.artifact)
        if file is None:
            continue
        other = _other_file(case.claim, regime, file)
        if other is not None:
            yield other
            continue
        if regime.role == "reference":
            continue
        run = case.quantization(regime)
        differences = case.differences(regime)
        finding = _recipe_gap(case, regime, run) or _same(case, regime, run, file.sha256)
        yield clause(
            ClauseKind.ARTIFACT,
            regime.name,
            gate(ClauseKind.ARTIFACT, finding, differences),
            title=f"The declared recipe gives the artifact of regime {regime.name} again",
            claimed=f"{case.claim.reproduction.grade.replace('_', ' ')}; sha256 {file.sha256}",
            measured=f"sha256 {run.sha256}" if run is not None and run.sha256 else None,
            tolerance="scales within 1e-6 on the same platform, 1e-3 on another",
            rule=ARTIFACT_RULE,
            notes=deviations(ClauseKind.ARTIFACT, differences),
        )


def _other_file(claim: Claim, regime: Regime, file: File) -> ClauseVerdict | None:
    """A regime that states one digest while the file that stands for it is listed with another."""
    role = "reference_model" if regime.role == "reference" else None
    fitting = [a for a in claim.model.artifacts if a.role == role or (role is None and a.name == file.name)]
    # of one model in several formats the one that the regime names
    listed = next((a for a in fitting if a.name == file.name), next(iter(fitting), None))
    if listed is None or listed.sha256 == file.sha256:
        return None
    words = f"Regime {regime.name} states sha256 {file.sha256[:16]}…, the file {listed.name} {listed.sha256[:16]}…."
    return clause(
        ClauseKind.ARTIFACT,
        regime.name,
        (Reason.SELF_CONTRADICTORY, words),
        title=f"The file of regime {regime.name} is the one that the claim lists",
        claimed=f"sha256 {file.sha256}",
        rule="Refuted if the claim names two different files as the model of one regime; needs no measurement.",
    )


def _recipe_gap(case: Case, regime: Regime, run: QuantizationRun | None) -> Finding | None:
    """Why the recipe gave nothing to compare; `None` if it did."""
    recipe = present(regime.quantization)
    if recipe is not None and recipe.approach is Approach.QAT:
        return (
            Reason.NOT_IMPLEMENTED,
            "A training recipe is not run again; its artifact is judged by the other clauses.",
        )
    if run is None:
        return absent(case.evidence.failures, regime.name, "quantiz")
    if run.status == "failed":
        return failed(run.message)
    if run.status == "not_testable":
        return Reason.NOT_IMPLEMENTED, f"The recipe could not be run here: {run.message or 'no reason given'}."
    if run.sha256 is None:
        return failed("the recipe's run left no file")
    return None


def _same(case: Case, regime: Regime, run: QuantizationRun | None, claimed: str) -> Finding:
    if run is None or run.sha256 is None:  # pragma: no cover - _recipe_gap has answered
        return absent(case.evidence.failures, regime.name, "quantiz")
    if run.sha256 == claimed:
        return Reason.BIT_EXACT, "The recipe gave the claimed file, byte for byte."
    comparison = next(
        (
            c
            for c in case.evidence.comparisons
            if c.regime == regime.name and c.supplied_sha256 == claimed and c.recipe_sha256 == run.sha256
        ),
        None,
    )
    if comparison is None:
        return _by_digest(case, regime, run)
    return _by_scales(case, regime, run, comparison)


def _by_scales(case: Case, regime: Regime, run: QuantizationRun, found: ArtifactComparison) -> Finding:
    """Compare what the two files hold."""
    platform = concerning(ClauseKind.ARTIFACT, Effect.WEAKENS, case.differences(regime))
    limit = OTHER_PLATFORM_SCALES if platform else SAME_PLATFORM_SCALES
    zero_points = 0 if platform else found.zero_points_different  # a last bit may turn a rounding of the zero point
    close = found.scales_different == 0 or found.worst_scale_ratio <= limit
    if close and not zero_points and not found.weights_different and not found.unmatched and found.scales_compared:
        agreed = f"all {found.scales_compared} scales agree within {number(found.worst_scale_ratio)}"
        return Reason.SCALES_EQUAL, f"Other bytes, but {agreed} and no quantized weight differs."
    words = (
        f"Of {found.scales_compared} scales {found.scales_different} differ (largest relative difference "
        f"{number(found.worst_scale_ratio)}), {found.zero_points_different} zero points and {found.weights_different} "
        f"quantized weights differ, {found.unmatched} scales have no counterpart"
    )
    words += f", e.g. {', '.join(found.examples[:3])}." if found.examples else "."
    if run.repeat_sha256 != run.sha256:
        return _nondeterministic(case, regime, words, repeated=run.repeat_sha256 is not None)
    if case.claim.reproduction.grade == "behaviour":
        return _behaviour(case, regime) or (Reason.NOT_REACHED, f"{words} The two were not both evaluated.")
    if platform and close and found.unmatched and not (zero_points or found.weights_different):
        return Reason.PLATFORM_MAY_DIFFER, f"{words} What both hold agrees; other versions name tensors otherwise."
    if not (found.scales_different or found.weights_different or found.zero_points_different or found.unmatched):
        return Reason.NOT_REACHED, "The comparison found no scales in the two files."
    return Reason.OTHER_SCALES, words


def _nondeterministic(case: Case, regime: Regime, words: str, *, repeated: bool) -> Finding:
    behaviour = _behaviour(case, regime) if case.claim.reproduction.grade == "behaviour" else None
    if behaviour is not None and behaviour[0] is Reason.EQUIVALENT_BEHAVIOUR:
        return behaviour
    why = "the tool gives another file each time" if repeated else "the tool was not shown to be deterministic here"
    return Reason.NOT_DETERMINISTIC, f"{words} It proves nothing: {why}."


def _by_digest(case: Case, regime: Regime, run: QuantizationRun) -> Finding:
    """Without the claimed file only its digest is known.

    That can confirm and cannot refute: the bytes hang on packages that write the file, whose versions no claim states.
    """
    if run.repeat_sha256 != run.sha256:
        return _nondeterministic(
            case, regime, "The recipe gave a file of another digest.", repeated=run.repeat_sha256 is not None
        )
    if case.claim.reproduction.grade != "bit_exact":
        words = "the claim does not promise the bytes, and the claimed file is not here to compare scales."
        return Reason.MATERIAL_UNAVAILABLE, f"The recipe gave a file of another digest, {words}"
    packages = case.evidence.host.packages
    beside = ", ".join(f"{name} {packages[name]}" for name in ("onnx", "numpy") if name in packages)
    words = f"a file of another digest ({(run.sha256 or '')[:16]}…), twice, where the claim promises the bytes. Without"
    words += (
        " the claimed file a difference in meaning cannot be told from one in packaging, which the claim does not pin"
    )
    words += f" (here {beside})" if beside else ""
    return Reason.PLATFORM_MAY_DIFFER, f"The recipe gave {words}."


def _behaviour(case: Case, regime: Regime) -> Finding | None:
    """Accuracy of the two files on the whole set; `None` if they were not both evaluated."""
    scores = [s for s in case.evidence.scores if s.regime == regime.name and s.status == "ok"]
    supplied = next((s for s in scores if s.subject == "supplied_artifact"), None)
    recipe = next((s for s in scores if s.subject == "recipe_artifact"), None)
    if supplied is None or recipe is None or supplied.samples != recipe.samples or case.dataset_doubt():
        return None
    apart = _apart(case, supplied, recipe)
    if apart is None:
        return None
    metric, distance, tolerance = apart
    words = f"{metric} of the two files differs by {number(distance)}, tolerance {number(tolerance)}"
    words += f", over {recipe.samples} items."
    if distance <= tolerance + 1e-9:
        return Reason.EQUIVALENT_BEHAVIOUR, words
    if any(s.outputs_sha256 is None or s.outputs_sha256 != s.repeat_sha256 for s in (supplied, recipe)):
        return Reason.NOT_DETERMINISTIC, f"{words} The outputs were not shown to repeat."
    return Reason.OTHER_BEHAVIOUR, words


def _apart(case: Case, first: ItemScores, second: ItemScores) -> tuple[str, float, float] | None:
    """The metric in which two evaluations differ most against its tolerance."""
    tolerance = case.claim.reproduction.tolerances.accuracy
    common = [name for name in first.metrics if name in second.metrics]
    rows = [(n, abs(first.metrics[n] - second.metrics[n]), margin_in(tolerance, first.metrics[n])) for n in common]
    return max(rows, key=lambda row: row[1] - row[2]) if rows else None


def judge_recipe_effect(case: Case) -> Iterator[ClauseVerdict]:
    """Did the declared recipe run, and which of its options change nothing."""
    for regime in case.quantized:
        recipe = present(regime.quantization)
        if recipe is None or recipe.approach is Approach.QAT:
            continue
        run = case.quantization(regime)
        finding = _recipe_gap(case, regime, run) or _dropped(regime, run)
        yield clause(
            ClauseKind.RECIPE_EFFECT,
            regime.name,
            finding,
            title=f"The recipe of regime {regime.name} runs as declared",
            claimed=f"{recipe.algorithm.value}, {recipe.approach.value.replace('_', ' ')}",
            measured=f"{run.tool} {run.version}, {number(run.seconds)} s"
            if run is not None and run.status == "ok"
            else None,
            rule=EFFECT_RULE,
            notes=(*_recipe_notes(case, regime, run), *fit_notes(case, regime)),
        )


def _declared_samples(regime: Regime) -> int | None:
    calibration = regime.calibration if isinstance(regime.calibration, Calibration) else None
    data = present(calibration.data) if calibration is not None else None
    return data.samples if data is not None else None


def _dropped(regime: Regime, run: QuantizationRun | None) -> Finding:
    """Did every declared sample become part of the tool's statistics, as far as that could be watched."""
    declared = _declared_samples(regime)
    entered = run.calibration_samples if run else None
    if declared is None or entered is None or entered >= declared:
        return Reason.AS_DECLARED, "The declared recipe ran here to its end."
    read = run.calibration.read if run and run.calibration else declared
    words = f"The recipe ran to its end, but of {declared} declared calibration samples the tool read {read} and"
    return Reason.SAMPLES_DROPPED, f"{words} let {entered} enter its statistics."


def _seen_on(option: InertOption) -> str:
    """On how many samples; on few of them a percentile or an average need not show."""
    if option.every_sample is None or option.samples is None:
        return ""
    if option.every_sample:
        return f" (over all {option.samples} calibration samples)"
    return f" (seen on {option.samples} calibration samples only; on all of them it may do something)"


def _recipe_notes(case: Case, regime: Regime, run: QuantizationRun | None) -> tuple[str, ...]:
    notes = [
        f"inert: {x.option} = {x.declared} gives the same artifact as {x.compared_with}{_seen_on(x)}"
        for x in (run.inert if run else ())
    ]
    if run is not None and run.options_untried:
        notes.append(f"not tried for an effect, for lack of time: {', '.join(run.options_untried)}")
    declared = _declared_samples(regime)
    if run is not None and run.calibration_samples not in (None, declared):
        notes.append(f"{run.calibration_samples} calibration samples entered the statistics, {declared} are declared")
    account = run.calibration if run else None
    if account is not None and account.entered is None:
        notes.append(f"samples were counted as read, not as used: {account.reason}")
    elif account is not None and account.path == "two_passes":
        notes.append("calibrated in two passes over the data, which gives the ranges of one")
    if not _is_rtn(regime):
        notes += [
            _moved(regime, error)
            for error in case.evidence.weight_errors
            if error.regime == regime.name and error.elements > 0
        ]
    return tuple(notes)


def _moved(regime: Regime, error: WeightError) -> str:
    """What an algorithm that moves weights did to them; one that moved none cannot be told from round-to-nearest."""
    recipe = present(regime.quantization)
    name = recipe.algorithm.value if recipe is not None else "the recipe"
    words = f"largest distance of a weight from the reference's: {number(error.worst_steps)} steps (not judged)"
    if error.beyond_half_step:
        return f"{words}, {percent(error.beyond_half_step / error.elements)} beyond half a step"
    return f"{words}: {name} left every weight where round-to-nearest would put it"


def _is_rtn(regime: Regime) -> bool:
    recipe = present(regime.quantization)
    return recipe is not None and recipe.algorithm is Algorithm.RTN and recipe.approach is not Approach.QAT


def judge_weight_error(case: Case) -> Iterator[ClauseVerdict]:
    """Are weights under round-to-nearest within half a step of the reference's."""
    for regime in case.quantized:
        if not _is_rtn(regime):
            continue
        errors = [e for e in case.evidence.weight_errors if e.regime == regime.name]
        claimed = case.artifact_sha256(regime)
        own = next((e for e in errors if e.sha256 == claimed), None)
        error = own or next(iter(errors), None)
        if error is None:
            finding = _unweighed(case, regime)
        else:
            control = next((e for e in errors if e.sha256 != claimed), None)
            finding = _on_grid(error, control, is_claimed=own is not None)
        differences = case.differences(regime, error.sha256 if error else None)
        yield clause(
            ClauseKind.WEIGHT_ERROR,
            regime.name,
            gate(ClauseKind.WEIGHT_ERROR, finding, differences),
            title=f"Weights of regime {regime.name} are rounded to the nearest step",
            claimed="round-to-nearest: at most 0.5 steps",
            measured=_steps(error) if error and error.elements else None,
            tolerance="0.001 steps for the arithmetic",
            rule=GRID_RULE,
            notes=(f"{len(error.unmatched)} quantized weights have no counterpart in the reference",)
            if error and error.unmatched
            else (),
        )


def _unweighed(case: Case, regime: Regime) -> Finding:
    """Why there are no distances: they are taken from the reference as the recipe prepares it."""
    run = case.quantization(regime)
    if run is not None and run.status == "not_testable":
        words = f"the recipe could not be run here: {run.message or 'no reason given'}"
        return Reason.NOT_REACHED, f"Not measured, since {words}."
    return absent(case.evidence.failures, regime.name, "inspect", "weight")


def _steps(error: WeightError) -> str:
    """Distances by format where there are several."""
    words = f"{number(error.worst_steps)} steps at most, {error.clipped} clipped"
    if len(error.formats) < 2:
        return words
    rows = [f"{f.format}: {number(f.worst_steps)}, {f.clipped} clipped of {f.elements}" for f in error.formats]
    return f"{words} ({'; '.join(rows)})"


def _on_grid(  # noqa: PLR0911 - one return per outcome of the rule
    error: WeightError, control: WeightError | None, *, is_claimed: bool
) -> Finding:
    if error.elements <= 0:
        return Reason.NOT_REACHED, "No quantized weight was found in the reference model under the same name."
    share = percent(error.beyond_half_step / error.elements)
    words = f"{error.beyond_half_step} of {error.elements} weights ({share}) lie beyond half a step."
    if len(error.unmatched) > UNMATCHED_SHARE * (error.tensors + len(error.unmatched)):
        unmatched = f"{len(error.unmatched)} quantized weights have no counterpart in the reference"
        return Reason.EVIDENCE_TOO_WEAK, f"{words} But {unmatched}: too many to say anything of the whole."
    if error.beyond_half_step <= 0:
        return Reason.AS_DECLARED, f"All {error.elements} weights lie within half a step of the reference's."
    if not is_claimed or error.beyond_half_step <= OFF_GRID_SHARE * error.elements:
        return (
            Reason.EVIDENCE_TOO_WEAK,
            f"{words} So few, or in a file that is not the claimed one, they decide nothing.",
        )
    if control is None or control.elements <= 0:
        return Reason.NO_WITNESS, f"{words} No artifact of the recipe vouches for the measurement."
    if control.beyond_half_step > 0:
        return (
            Reason.TOOL_FAILED,
            f"{words} The recipe's own artifact shows the same, so that our measurement is in doubt.",
        )
    return Reason.WEIGHTS_OFF_GRID, f"{words} The artifact that the recipe gives has none."
