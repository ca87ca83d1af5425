"""A small real model and its claim: two hidden layers that read scikit-learn's digits, quantized by ONNX Runtime.

A verification of it takes well under a minute, so that many ways to lie and many honest ways to differ can be tried.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from ruamel.yaml import YAML
from sklearn import __version__ as scikit_learn
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

RECIPE = Path(__file__).parents[2] / "examples/mobilenetv2-mnist/int8.recipe.yaml"
CALIBRATION, EVALUATION = 128, 1000
HIDDEN = 512
LAYERS = ("first", "second", "head")
PROGRAM = (sys.executable, "-c", "from verifier.cli import app; app()")
NO_TIME_FOR_RATES = ("--budget", "50s")
"""Less than the timed runs take, and enough for all the rest: for claims whose rates are not in question."""


def program(
    *arguments: str | Path, home: Path, env: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run ``lynxspec`` as its user does."""
    around = os.environ | {"XDG_CONFIG_HOME": str(home)} | (env or {})
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=around, timeout=600, **options
    )


def load(path: Path) -> Any:
    """A claim as plain data."""
    return YAML(typ="safe").load(path)


def save(data: Any, path: Path) -> Path:
    """JSON is YAML."""
    path.write_text(json.dumps(data, indent=1))
    return path


def copy_of(claim: Path, folder: Path) -> Path:
    """Claim and files in a folder of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (claim, *claim.parent.glob("*.npz"), *claim.parent.glob("*.onnx")):
        shutil.copyfile(file, folder / file.name)
    return folder / claim.name


def verdicts(folder: Path) -> dict[str, dict[str, Any]]:
    """Verdicts of a run by clause."""
    record = json.loads((folder / "record.json").read_text())
    return {entry["id"]: entry for entry in record["verdicts"]}


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def parts() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pixels in [0, 1] and classes: 1000 items to evaluate, 128 to calibrate, 669 to learn from, drawn at random."""
    found = load_digits()
    order = np.random.default_rng(20261121).permutation(len(found.target))
    ends = {"evaluation": (0, EVALUATION), "calibration": (EVALUATION, EVALUATION + CALIBRATION)}
    ends["training"] = (EVALUATION + CALIBRATION, len(order))
    pixels = (found.data / 16.0).astype(np.float32)
    return {name: (pixels[order[a:b]], found.target[order[a:b]].astype(np.int64)) for name, (a, b) in ends.items()}


def network(weights: list[np.ndarray], biases: list[np.ndarray]) -> onnx.ModelProto:
    """The layers as Gemm and Relu."""
    nodes, constants, data = [], [], "pixels"
    for number, (name, w, b) in enumerate(zip(LAYERS, weights, biases, strict=True)):
        constants += [numpy_helper.from_array(w.astype(np.float32), f"{name}.weight")]
        constants += [numpy_helper.from_array(b.astype(np.float32), f"{name}.bias")]
        out = "logits" if number == len(LAYERS) - 1 else f"{name}.out"
        nodes.append(helper.make_node("Gemm", [data, f"{name}.weight", f"{name}.bias"], [out], name=name))
        if out != "logits":
            nodes.append(helper.make_node("Relu", [out], [f"{name}.relu"], name=f"{name}.relu"))
        data = f"{name}.relu"
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 64])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def build(folder: Path) -> Path:
    """Train, write model and data, and the recipe over a window of four seconds; gives the recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    data = parts()
    pixels, labels = data["training"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # some errors must be left, for accuracies to differ
        learned = MLPClassifier((HIDDEN, HIDDEN), alpha=1.0, max_iter=12, random_state=1).fit(pixels, labels)
    onnx.save(network(learned.coefs_, learned.intercepts_), folder / "model.onnx")
    np.savez(folder / "calibration.npz", pixels=data["calibration"][0])
    np.savez(folder / "evaluation.npz", pixels=data["evaluation"][0], label=data["evaluation"][1])
    path = folder / "digits.recipe.yaml"
    path.write_text(json.dumps(_recipe(folder), indent=1))  # JSON is YAML
    return path


def _recipe(folder: Path) -> Any:
    """The convolutional example's recipe with this model's facts in their places."""
    recipe = YAML(typ="safe").load(RECIPE)
    recipe["identity"] |= {"id": "digits-int8", "title": "Two hidden layers read digits in INT8"}
    parameters = (64 + 1) * HIDDEN + (HIDDEN + 1) * HIDDEN + (HIDDEN + 1) * 10
    recipe["model"] |= {
        "name": "digits with two hidden layers",
        "revision": "trained for the tests",
        "family": "other",
        "parameters": {"total": parameters, "active": parameters},
        "inputs": [{"name": "pixels", "dtype": "float32", "shape": ["batch", 64]}],
    }
    recipe["model"]["artifacts"][0] |= {
        "sha256": digest(folder / "model.onnx"),
        "bytes": (folder / "model.onnx").stat().st_size,
    }
    for entry, count in zip(recipe["data"], (CALIBRATION, EVALUATION), strict=True):
        entry |= {
            "title": "scikit-learn digits",
            "revision": "bundled with scikit-learn",
            "split": f"{count} items, disjoint from the other parts",
            "samples": count,
            "sha256": digest(folder / entry["uri"]),
            "selection": "by one permutation (numpy PCG64, seed 20261121)",
            "preprocessing": "pixel values divided by 16",
        }
    recipe["load"] |= {"batch": 256, "shapes": "256 x 64", "window": "4 s", "warm_up": "0.5 s", "block": "0.3 s"}
    recipe["evaluation"] |= {"samples": EVALUATION, "batch_size": 100}
    recipe["evaluation"]["evaluated_model"] = {"name": recipe["model"]["name"], "family": "other"}
    recipe["evaluation"]["criterion"]["margin"] = "3 points"
    regime = recipe["regimes"][1]
    regime["precision"]["weights"]["granularity"] = {"kind": "per_channel", "axis": 1}
    regime["mixed_precision"] = {"first_layer": "int8", "last_layer": "int8", "exceptions": []}
    regime["calibration"]["data"] |= {"samples": CALIBRATION, "batch_size": 32, "shape": "64"}
    for each in recipe["regimes"]:
        each["toolchain"]["framework"] = {"name": "scikit-learn", "version": scikit_learn}
    return recipe
