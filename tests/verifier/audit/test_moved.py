"""What the pages say of layers: the three ledgers side by side, bits per weight, and how far numbers moved."""

from __future__ import annotations

from verifier.audit.moved import MOST_LAYERS, moved
from verifier.audit.record import Record
from verifier.audit.render import page_source
from verifier.evidence.inspection import ActivationFit, GrowthPoint, Layer, LayerSignal, SignalReport, WeightStorage

SHA = "0" * 64


def layer(node: str, compute: str, share: float | None = None) -> Layer:
    weight = f"{node}.weight"
    return Layer(node=node, op_type="Conv", weight=weight, weight_format="int8", compute=compute, time_share=share)


def heard(node: str, level: float | None) -> LayerSignal:
    return LayerSignal(node=node, op_type="Conv", weight="", tensor=node, values=9, sqnr_db=level)


def point(first: int, last: int, level: float | None, differing: float | None = None) -> GrowthPoint:
    return GrowthPoint(
        source="output_position", name="y", first=first, last=last, values=9, sqnr_db=level, differing=differing
    )


def looked_into(record: Record, layers: int = 20) -> Record:
    """The record with layers ``l0`` and so on; ``l3`` runs in fp32, ``l5`` is the most sensitive."""
    names = [f"l{i}" for i in range(layers)]
    storage = WeightStorage(
        tensor_class="weights",
        format="int8",
        granularity="per_tensor",
        stored_as="int8",
        tensors=20,
        elements=100,
        low=-8,
        high=7,
        used_bits=4,
        numeric_bits=8,
        storage_bits=8.0,
        effective_bits=8.32,
        examples=tuple(names),
    )
    ledgers = []
    for ledger in record.evidence.ledgers:
        found = {}
        if ledger.regime == "int8" and ledger.ledger == "supplied_artifact":
            found = {"layers": tuple(layer(name, "int8") for name in names), "storage": (storage,)}
        elif ledger.regime == "int8":
            found = {"layers": tuple(layer(n, "fp32" if n == "l3" else "int8", 0.05) for n in names)}
        ledgers.append(ledger.model_copy(update=found))
    fit = ActivationFit(
        tensor="pooled",
        low=0.0,
        high=6.0,
        calibration_values=100,
        calibration_clipped=0,
        evaluation_values=400,
        evaluation_clipped=10,
        calibration_low=0.0,
        calibration_high=5.0,
        evaluation_low=0.0,
        evaluation_high=9.0,
    )
    report = SignalReport(
        regime="int8",
        sha256=SHA,
        status="ok",
        message="",
        family="recurrent",
        evaluation_items=32,
        calibration_items=16,
        layers=tuple(heard(name, 9.5 if name == "l5" else 30.0) for name in names),
        outputs=(heard("logits", None),),
        unmatched=(),
        left_out=0,
        activations=(fit,),
        outliers=(),
        growth=(point(1, 2, 40.0), point(3, 4, 20.0), point(5, 5, None, 0.25)),
    )
    evidence = record.evidence.model_copy(update={"ledgers": tuple(ledgers), "signals": (report,)})
    return record.model_copy(update={"evidence": evidence})


def test_layers_that_run_otherwise_come_first_then_the_most_sensitive(record: Record) -> None:
    (entry,) = moved(looked_into(record))
    assert entry.regime == "int8"
    assert entry.layers[0] == ("l3", "int8", "int8", "fp32", "5 %", "30 dB")
    assert entry.layers[1] == ("l5", "int8", "int8", "int8", "5 %", "9.5 dB")
    assert len(entry.layers) == MOST_LAYERS
    assert entry.layer_words.startswith("16 of 20 layers")


def test_bits_are_told_apart_on_the_pages(record: Record) -> None:
    (entry,) = moved(looked_into(record))
    assert entry.storage == (("weights (20)", "int8", "int8", "8", "8", "8.32", "-8 to 7"),)


def test_clipping_and_growth_are_on_the_pages(record: Record) -> None:
    facts = dict(moved(looked_into(record))[0].facts)
    assert facts["Output logits"] == "no difference over 32 items"
    assert facts["Activations"].startswith("2.5 % of the evaluation set's values")
    assert facts["pooled"].endswith("2.5 % clipped")
    assert facts["y, by output position"] == "1 to 2: 40 dB; 3 to 4: 20 dB; 5: 25 % differ"


def test_only_a_record_that_has_them_prints_them(record: Record) -> None:
    assert moved(record) == ()
    assert "Layer by layer" not in page_source(record, SHA)
    pages = page_source(looked_into(record), SHA)
    assert "Layer by layer" in pages
    assert '<td class="differs">fp32</td>' in pages
