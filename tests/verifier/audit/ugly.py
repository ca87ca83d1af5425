"""Three records that no page was designed for: endless names, 200 clauses, five regimes that nobody watched."""

from __future__ import annotations

import copy
import hashlib
import io
import json

from ruamel.yaml import YAML

from verifier.audit.keys import Identity
from verifier.audit.record import Performed, Record
from verifier.judge import judge
from verifier.verdict import ClauseKind, Reason

from .conftest import CLAIM, build, clause, evidence, host, rate_interval, read_claim, run, scores, sustain

WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 40


def _claim() -> dict:
    return YAML(typ="safe", pure=True).load(io.BytesIO(CLAIM.read_bytes()))


def _bytes(claim: dict) -> bytes:
    return json.dumps(claim, ensure_ascii=False).encode()


def endless_names(identity: Identity | None) -> tuple[Record, bytes]:
    """Words of 3,200 letters without a break, in every script that the fonts know and some that they do not."""
    claim = _claim()
    identity_ = claim["identity"]
    identity_["title"] = f"{WORD[:900]} 量子化 שלום עולם {'W' * 300}"
    identity_["issuer"]["name"] = WORD
    identity_["statement"] = {"not_applicable": WORD}
    claim["model"]["name"] = "m/" + "x" * 500
    claim["hardware"]["product"] = "Accelerator " + "Z" * 400
    data = _bytes(claim)
    people = Performed(person="P" * 2000, organisation=WORD, address="street " * 300, opinions="I think " * 200)
    return build(data, identity=identity, name=f"{'long' * 50}.claim.json", performed=people), data


def two_hundred_clauses(identity: Identity | None) -> tuple[Record, bytes]:
    """Every verdict, in long tables."""
    data = CLAIM.read_bytes()
    reasons = (Reason.WITHIN_TOLERANCE, Reason.BELOW_CLAIM, Reason.INTERVAL_TOO_WIDE, Reason.OTHER_HARDWARE)
    kinds = list(ClauseKind)
    made = tuple(
        clause(
            kinds[i % len(kinds)],
            "int8",
            f"Clause number {i} of a long list, with a title that takes more than one line",
            reasons[i % 4],
            claimed=f"{i} images/s over 600 s" if i % 3 else "weights int8; " * (i % 11 + 1),
            measured=None if i % 7 == 0 else f"{i * 0.98:.1f} images/s " + "and more words " * (i % 9),
            tolerance="5 %" if i % 2 else None,
            interval=rate_interval(i * 0.9, i * 1.1) if i % 5 else None,
            explanation="A sentence with numbers. " * (i % 6 + 1),
        ).model_copy(update={"id": f"clause/{i}"})
        for i in range(200)
    )
    return build(data, identity=identity, verdicts=made, page="Letter"), data


def five_regimes(identity: Identity | None) -> tuple[Record, bytes]:
    """Four quantized regimes beside the reference; two were measured, none was watched, and the host is unknown."""
    claim = _claim()
    int8 = claim["regimes"][1]
    names = ["int8-per-channel-with-smoothing", "int8-percentile-99.99-calibrated-on-deployment-traffic", "w4a16"]
    for step, name in enumerate(names, start=1):
        other = copy.deepcopy(int8)
        other["name"] = name
        other["performance"]["sustained"]["rate"] = f"{1950 + 170 * step} images/s"
        other["accuracy"][0]["value"] = round(0.97 - 0.003 * step, 4)
        claim["regimes"].append(other)
        comparison = copy.deepcopy(claim["comparisons"][0])
        comparison["quantized"] = name
        comparison["throughput_gain"] = f"{round((1950 + 170 * step) / 1000, 2)} x"
        claim["comparisons"].append(comparison)
    data = _bytes(claim)
    read = read_claim(data)
    full = evidence(read, hashlib.sha256(data).hexdigest())
    speed = sustain()
    third = run("int8", 2110.0, first=1, seed=3).model_copy(update={"regime": names[0]})
    bare = full.model_copy(
        update={
            "host": host().model_copy(update={"cpu": "unknown", "isa": (), "packages": {}, "machine": None}),
            "scores": (*full.scores, scores("int8", 1934).model_copy(update={"regime": names[0]})),
            "sustain": speed.model_copy(update={"runs": (*speed.runs, third), "host": (), "telemetry": None}),
        }
    )
    record = build(
        data,
        identity=identity,
        name="five.claim.json",
        evidence=bare,
        verdicts=judge(read, bare),
        performed=Performed(),
    )
    return record, data


UGLY = {"names": endless_names, "clauses": two_hundred_clauses, "regimes": five_regimes}
