"""What the claim is about and who makes it: identity, statement, model, artifacts, data."""

from __future__ import annotations

from typing import Literal

from lynxspec.claim.base import Count, Disclosed, Frozen, Index, IsoDate, Name, NotBlank, Sha256
from lynxspec.claim.units import Size
from lynxspec.vocabulary import ModelFamily


class Party(Frozen):
    """A person or organisation."""

    name: NotBlank
    """Name as it should appear in the record."""
    contact: Disclosed[NotBlank]
    """Where questions go: an e-mail or postal address."""


class Source(Frozen):
    """Where the statement was published."""

    title: NotBlank
    """Title of the document."""
    uri: Disclosed[NotBlank]
    """Where it was found."""
    sha256: Disclosed[Sha256]
    """Digest of the document as found."""
    page: Disclosed[Index]
    """Page, counted from 1."""


class Statement(Frozen):
    """The words as published."""

    text: NotBlank
    """The statement, word for word."""
    source: Disclosed[Source]
    """Where it stands."""


class Measurer(Frozen):
    """Who took the numbers."""

    name: NotBlank
    """Person, team or laboratory that measured."""
    independence: Literal["issuer", "commissioned", "independent"]
    """``issuer``: the claimant itself; ``commissioned``: paid by it; ``independent``: neither."""


class Identity(Frozen):
    """Who claims what, when, and on what ground."""

    id: Name
    """Stable handle of the claim."""
    title: NotBlank
    """One line for people."""
    nature: Literal["measured", "estimated", "projected"]
    """Whether the numbers were measured on this hardware, estimated from others, or projected."""
    date: IsoDate
    """Day on which the numbers were taken."""
    issuer: Party
    """Who makes the claim."""
    measured_by: Measurer
    """Who measured, and how independent they are."""
    statement: Disclosed[Statement]
    """The claim as published."""


class Parameters(Frozen):
    """Number of parameters."""

    total: Count
    """All of them."""
    active: Count
    """Those that one token or item touches; equal to ``total`` but for mixtures of experts."""


class Artifact(Frozen):
    """A file of the model, found by address and known by digest."""

    name: Name
    """Handle; ``--model NAME=PATH`` gives it another place."""
    role: Literal["reference_model", "quantized_model", "head", "tokenizer", "other"]
    """What the file is: the model to quantize, the quantized model, or a part around it."""
    uri: Disclosed[NotBlank]
    """File path relative to the claim, http(s) address, or package URL (``pkg:pypi/NAME@VERSION#path/inside``)."""
    sha256: Sha256
    """Digest of the file; checked before any use."""
    bytes: Count
    """Size of the file in bytes."""
    supplied_by: Literal["claimant", "mirror", "third_party"]
    """Who put the file there: a wrong digest refutes the claim only if the claimant did."""
    license: Disclosed[NotBlank]
    """Licence as stated by its owner (an SPDX expression where there is one)."""


class Tensor(Frozen):
    """An input of the model."""

    name: NotBlank
    """Name in the model file."""
    dtype: Literal["float32", "float16", "bfloat16", "int64", "int32", "int8", "uint8", "bool", "string"]
    """Element type."""
    shape: tuple[NotBlank | Count, ...]
    """Dimensions in order; a text is a dynamic dimension, e.g. ``batch``."""


class Model(Frozen):
    """The model that was quantized."""

    name: NotBlank
    """Name and size, e.g. ``MobileNetV2 1.0 96``."""
    revision: Disclosed[NotBlank]
    """Commit, release or checkpoint."""
    family: ModelFamily
    """Decides what calibration must capture."""
    task: NotBlank
    """What the model does, e.g. ``image classification``."""
    parameters: Disclosed[Parameters]
    """Number of parameters."""
    artifacts: tuple[Artifact, ...]
    """Every file that the claim needs."""
    inputs: tuple[Tensor, ...]
    """Inputs with element type and shape."""


class Dataset(Frozen):
    """Items with labels that calibration or evaluation reads."""

    name: Name
    """Handle; ``--data NAME=PATH`` gives it another place."""
    title: NotBlank
    """Public name of the data set."""
    revision: Disclosed[NotBlank]
    """Version or commit."""
    split: Disclosed[NotBlank]
    """Which part, e.g. ``test``."""
    uri: Disclosed[NotBlank]
    """Address, as for an artifact."""
    sha256: Sha256
    """Digest of the file; checked before any use."""
    samples: Count
    """Items in the file."""
    format: Literal["npz"]
    """``npz``: one array per model input, first axis the item, and ``label``."""
    selection: NotBlank
    """How the items were chosen, with the seed."""
    preprocessing: NotBlank
    """What was done to the items before they entered the file."""
    license: Disclosed[NotBlank]
    """Licence as stated by its owner."""


class File(Frozen):
    """A file that a regime produced."""

    name: Name
    """Handle of the artifact in ``model.artifacts``, if the file is supplied; else a name of its own."""
    sha256: Sha256
    """Digest of the file."""
    size: Size
    """Size on disk."""
