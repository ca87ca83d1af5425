"""What was evaluated, how, and how much may be lost."""

from __future__ import annotations

from typing import Literal

from lynxspec.claim.base import Count, Disclosed, Frozen, Index, Name, NotBlank, Positive, Real
from lynxspec.claim.units import Margin
from lynxspec.vocabulary import ModelFamily


class Metric(Frozen):
    """A number over the evaluation set."""

    name: Name
    """Handle that accuracy values and the criterion refer to."""
    kind: Literal["top1", "binary_accuracy", "f1", "auc", "spearman", "pearson", "exact_match", "other"]
    """Which metric; ``exact_match`` compares whole sequences."""
    implementation: NotBlank
    """Code that computes it, with version."""
    output: NotBlank
    """Model (or head) output that it reads."""
    label: NotBlank
    """Array of the data set that holds the truth."""
    better: Literal["higher", "lower"]
    """Direction."""


class Criterion(Frozen):
    """The acceptance criterion: what loss against the reference is acceptable."""

    metric: Name
    """Metric that it bounds."""
    reference: Name
    """Regime that the quantized one is held against."""
    margin: Margin
    """Largest acceptable loss."""


class Relevance(Frozen):
    """What the evaluation says about the buyer's use."""

    kind: Literal["deployment_workload", "deployment_like", "standard_benchmark"]
    """A standard benchmark alone scores partial."""
    workload: NotBlank
    """The deployment that the claim is for."""
    why: NotBlank
    """Why the evaluation set stands for it."""


class Generation(Frozen):
    """Decoding settings and output lengths of a generative model."""

    decoding: NotBlank
    """Greedy or sampling, temperature, beams, stop rule."""
    max_output_length: Count
    """Longest output allowed, in tokens."""
    mean_output_length: Positive
    """Mean output length over the evaluation set, in tokens."""
    reference_mean_output_length: Positive
    """The same for the reference regime: drift in length is a quality loss of its own."""


class EvaluatedModel(Frozen):
    """The model that the accuracy numbers were taken on."""

    name: NotBlank
    """Name, as in ``model.name`` if it is the same."""
    family: ModelFamily
    """Its family."""


class Evaluation(Frozen):
    """Data, metrics, criterion, relevance."""

    dataset: Disclosed[Name]
    """Handle in ``data``."""
    samples: Disclosed[Count]
    """Items evaluated."""
    batch_size: Count
    """Items per batch during evaluation."""
    head: Disclosed[Name]
    """Artifact that turns model outputs into predictions, run in full precision and not timed."""
    metrics: tuple[Metric, ...]
    """Metrics, the first one the headline."""
    evaluated_model: EvaluatedModel
    """The model that was evaluated."""
    criterion: Disclosed[Criterion]
    """Acceptance criterion."""
    relevance: Disclosed[Relevance]
    """Relevance to the deployment."""
    generation: Disclosed[Generation]
    """Decoding settings and output lengths."""
    seed: Disclosed[Index]
    """Seed, where the evaluation draws random numbers."""


class AccuracyValue(Frozen):
    """One metric's value for one regime."""

    metric: Name
    """Handle in ``evaluation.metrics``."""
    value: Real
    """Value in the metric's own unit (a fraction for accuracies)."""
