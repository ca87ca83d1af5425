"""Metrics by hand-worked examples, and refusals of arrays that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from lynxspec.claim.accuracy import Metric
from verifier.errors import VerifierError
from verifier.metrics import score


def _metric(kind: str) -> Metric:
    return Metric(name="m", kind=kind, implementation="x", output="out", label="label", better="higher")  # type: ignore[arg-type]


def test_top1_counts_the_largest_logit() -> None:
    scored = score(_metric("top1"), {"out": np.array([[1, 2.0], [3, 1], [0, 5]])}, {"label": np.array([1, 1, 1])})
    assert scored.value == pytest.approx(2 / 3)
    assert scored.outcomes == (1.0, 0.0, 1.0)


@pytest.mark.parametrize(
    "out",
    [
        np.array([[[[1]], [[2.0]]], [[[3]], [[1]]], [[[0]], [[5]]]]),  # [3, 2, 1, 1], as SqueezeNet ends
        np.array([[[1, 2.0]], [[3, 1]], [[0, 5]]]),
        np.array([1, 0, 1]),
        np.array([[1], [0], [1]], np.int32),
    ],
)
def test_top1_reads_scores_behind_axes_of_length_one_and_classes_that_the_model_gives(out: np.ndarray) -> None:
    assert score(_metric("top1"), {"out": out}, {"label": np.array([1, 1, 1])}).outcomes == (1.0, 0.0, 1.0)


@pytest.mark.parametrize("out", [np.zeros(3), np.zeros((3, 1)), np.zeros((3, 2, 3))])
def test_what_names_no_class_has_no_top1(out: np.ndarray) -> None:
    with pytest.raises(VerifierError, match="one class, per item"):
        score(_metric("top1"), {"out": out}, {"label": np.array([1, 1, 1])})


def test_binary_accuracy_splits_at_zero() -> None:
    scored = score(_metric("binary_accuracy"), {"out": np.array([0.1, -2.0, 3.0])}, {"label": np.array([1, 1, 0])})
    assert scored.outcomes == (1.0, 0.0, 0.0)


def test_a_sequence_must_match_up_to_the_labels_padding() -> None:
    out = np.array([[1, 2, 9], [1, 2, 9], [1, 3, 9]])
    label = np.array([[1, 2, -1], [1, 2, 8], [1, 2, -1]])
    assert score(_metric("exact_match"), {"out": out}, {"label": label}).outcomes == (1.0, 0.0, 0.0)


def test_a_label_longer_than_the_output_is_missed() -> None:
    out, label = np.array([[1, 2]]), np.array([[1, 2, 3]])
    assert score(_metric("exact_match"), {"out": out}, {"label": label}).outcomes == (0.0,)


def test_auc_is_the_share_of_ordered_pairs() -> None:
    # Hand-worked: positives score .8 and .3, negatives .5 and .1; 3 of the 4 pairs are in order.
    scored = score(_metric("auc"), {"out": np.array([0.8, 0.3, 0.5, 0.1])}, {"label": np.array([1, 1, 0, 0])})
    assert scored.value == pytest.approx(0.75)
    assert scored.labels == (1.0, 1.0, 0.0, 0.0)


def test_spearman_ranks() -> None:
    # Ranks (1,2,3,4) against (1,2,4,3): 1 - 6*2/(4*15) = 0.8.
    scored = score(_metric("spearman"), {"out": np.array([1.0, 2, 3, 4])}, {"label": np.array([10.0, 20, 40, 30])})
    assert scored.value == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("outputs", "labels", "words"),
    [
        ({"other": np.zeros(2)}, {"label": np.zeros(2)}, "no output"),
        ({"out": np.zeros(2)}, {"y": np.zeros(2)}, "no array"),
        ({"out": np.zeros(2)}, {"label": np.zeros(3)}, "2 outputs for 3 labels"),
        ({"out": np.zeros((2, 2))}, {"label": np.zeros(2)}, "one score per item"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(outputs: dict, labels: dict, words: str) -> None:
    with pytest.raises(VerifierError, match=words):
        score(_metric("binary_accuracy"), outputs, labels)


@pytest.mark.parametrize(("kind", "out"), [("top1", [[np.nan, np.nan], [1, 0]]), ("binary_accuracy", [np.nan, -1.0])])
def test_an_answer_that_is_no_number_is_wrong(kind: str, out: list) -> None:
    # Both comparisons with NaN are false, and the largest of NaNs is the first: that would be right for label 0.
    scored = score(_metric(kind), {"out": np.array(out)}, {"label": np.array([0, 0])})
    assert scored.outcomes == (0.0, 1.0)


@pytest.mark.parametrize("kind", ["auc", "f1", "spearman", "pearson"])
def test_a_score_that_is_no_number_has_no_rank(kind: str) -> None:
    with pytest.raises(VerifierError, match="1 outputs are no numbers"):
        score(_metric(kind), {"out": np.array([0.1, np.nan, 0.3])}, {"label": np.array([0, 1, 1])})
