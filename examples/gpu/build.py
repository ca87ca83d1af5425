# SPDX-License-Identifier: Apache-2.0
"""Build the set of models and recipes that a machine with a GPU measures: a wide network that reads digits.

Two hidden layers of random features (He initialisation, fixed seed) and a last layer that is fitted, all in bf16: wide
enough that a large batch is bound by the matrix units and a small one by the memory. The files are large and made anew
on each machine; the recipes name them by the digests that they have there. Needs PyTorch, scikit-learn and lynxspec:

    python examples/gpu/build.py OUT
    lynxspec doctor --gpu OUT
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ruamel.yaml import YAML
from sklearn.datasets import load_digits
from torch import Tensor, nn

HERE = Path(__file__).parent
BASE = HERE.parent / "mobilenetv2-mnist" / "int8.recipe.yaml"
"""Recipe whose shape the new ones take."""
WIDTH = 8192
SEED = 20240
ITEMS = 1600
"""Of 1,797 images; the last layer is fitted on the others."""
LARGE = 1600
RIDGE = 10.0
NONE = {"not_applicable": "full precision"}


class Wide(nn.Module):
    """Pixels to ten logits."""

    def __init__(self, width: int) -> None:
        """Random features; the last layer is fitted by `fitted`."""
        super().__init__()
        self.first, self.second, self.third = nn.Linear(64, width), nn.Linear(width, width), nn.Linear(width, width)
        self.head = nn.Linear(width, 10)
        source = np.random.default_rng(SEED)
        with torch.no_grad():
            for layer in (self.first, self.second, self.third):
                scale = (2 / layer.in_features) ** 0.5
                values = source.standard_normal(layer.weight.shape, dtype=np.float32) * np.float32(scale)
                layer.weight.copy_(torch.from_numpy(values))
                layer.bias.zero_()

    def features(self, image: Tensor) -> Tensor:
        """What the last layer reads."""
        hidden = image.to(self.first.weight.dtype)
        for layer in (self.first, self.second, self.third):
            hidden = torch.relu(layer(hidden))
        return hidden

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Logits in float32."""
        return {"logits": self.head(self.features(image)).float()}


def fitted(width: int, images: np.ndarray, labels: np.ndarray, device: str) -> Wide:
    """The network in bf16 with its last layer fitted by ridge regression on one-hot labels."""
    model = Wide(width).to(device)
    with torch.inference_mode():
        features = model.features(torch.from_numpy(images).to(device)).double().cpu().numpy()
    gram = features @ features.T + RIDGE * np.eye(len(features)) * np.mean(np.square(features).sum(1))
    weights = features.T @ np.linalg.solve(gram, np.eye(10)[labels] - 0.1)
    with torch.no_grad():
        model.head.weight.copy_(torch.from_numpy(weights.T).float())
        model.head.bias.fill_(0.1)
    return model.to(torch.bfloat16).cpu().eval()


def main() -> None:
    """Write the model, the data and the recipes."""
    from verifier.inspection.program_archive import wash

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--width", type=int, default=WIDTH, help="of the hidden layers (for trying it out: 256)")
    parser.add_argument("--provider", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--window", default="8 s", help="timed seconds of each regime")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))
    images, labels = (digits.data[order] / 16).astype(np.float32), digits.target[order].astype(np.int64)
    model = fitted(given.width, images[ITEMS:], labels[ITEMS:], given.provider)
    np.savez(given.out / "evaluation.npz", image=images[:ITEMS], label=labels[:ITEMS])
    batch = torch.export.Dim("batch", min=1, max=4096)
    program = torch.export.export(model, (torch.from_numpy(images[:2]),), dynamic_shapes=({0: batch},))
    with tempfile.TemporaryDirectory() as folder:
        torch.export.save(program, Path(folder) / "raw.pt2")
        wash(str(Path(folder) / "raw.pt2"), str(given.out / "wide.pt2"))
    for name, settings in RECIPES.items():
        recipe = written(name, settings, given)
        yaml = YAML()
        yaml.width = 4096
        with (given.out / f"{name}.recipe.yaml").open("w") as file:
            yaml.dump(recipe, file)
        print(given.out / f"{name}.recipe.yaml")


def written(name: str, settings: dict[str, Any], given: argparse.Namespace) -> dict[str, Any]:
    """One recipe as data."""
    recipe = YAML(typ="safe", pure=True).load(BASE.read_text())
    recipe["identity"] |= {"id": f"gpu-{name}", "title": settings["title"]}
    parameters = 64 * given.width + 2 * given.width**2 + 10 * given.width + 3 * given.width + 10
    recipe["model"] |= {
        "name": f"wide digits {given.width}",
        "revision": f"random features, numpy PCG64 seed {SEED}",
        "family": "other",
        "parameters": {"total": parameters, "active": parameters},
        "artifacts": [_file("model-bf16", given.out / "wide.pt2") | {"role": "reference_model"}],
        "inputs": [{"name": "image", "dtype": "float32", "shape": ["batch", 64]}],
    }
    data = _file("evaluation", given.out / "evaluation.npz")
    recipe["data"] = [
        {
            "name": "evaluation",
            "title": "scikit-learn digits",
            "revision": "scikit-learn's own copy",
            "split": f"{ITEMS} of 1797 items; the last layer is fitted on the others",
            "uri": data["uri"],
            "sha256": data["sha256"],
            "samples": ITEMS,
            "format": "npz",
            "selection": f"one permutation (numpy PCG64, seed {SEED})",
            "preprocessing": "pixel values divided by 16",
            "license": "BSD-3-Clause",
        }
    ]
    size = min(settings["batch"], ITEMS)
    recipe["load"] |= {
        "batch": size,
        "shapes": f"{size} x 64",
        "window": given.window,
        "block": "1 s",
        "repetitions": 3,
    }
    recipe["evaluation"] |= {
        "samples": ITEMS,
        "batch_size": size,
        "evaluated_model": {"name": recipe["model"]["name"], "family": "other"},
        "criterion": {"metric": "top1", "reference": "bf16", "margin": "2 points"},
    }
    recipe["regimes"] = [_reference(given), _quantized(settings, given)]
    recipe["reproduction"]["commands"] = [f"lynxspec verify {name}.claim.yaml --out run"]
    return recipe


def _file(name: str, path: Path) -> dict[str, Any]:
    return {
        "name": name,
        "uri": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
        "supplied_by": "claimant",
        "license": "Apache-2.0",
    }


def _runtime(given: argparse.Namespace, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - options of a runtime
    version = torch.__version__.partition("+")[0]
    return {"name": "pytorch", "version": version, "provider": given.provider, "options": options}


def _reference(given: argparse.Namespace) -> dict[str, Any]:
    return {
        "name": "bf16",
        "role": "reference",
        "precision": _precision({"format": "bf16"}, {"format": "bf16"}),
        "mixed_precision": {"not_applicable": "one format throughout"},
        "quantization": NONE,
        "calibration": NONE,
        "toolchain": {
            "quantizer": NONE,
            "runtime": _runtime(given, **OPTIONS[given.provider]),
            "framework": {"name": "PyTorch", "version": torch.__version__.partition("+")[0]},
            "container": {"not_applicable": "no container"},
        },
    }


def _precision(weights: dict[str, Any], activations: dict[str, Any]) -> dict[str, Any]:
    absent = {"not_applicable": "no such tensor"}
    return {
        "weights": weights,
        "activations": activations,
        "outputs": {"format": "bf16"},
        "bias": {"format": "bf16"},
        "accumulator": "fp32",
        "embeddings": absent,
        "head": {"format": "bf16"},
        "kv_cache_key": absent,
        "kv_cache_value": absent,
        "state": absent,
    }


def _quantized(settings: dict[str, Any], given: argparse.Namespace) -> dict[str, Any]:
    from importlib.metadata import version

    found = copy.deepcopy(_reference(given))
    narrow = {
        "format": settings["format"],
        "granularity": {"kind": "per_channel", "axis": 0},
        "symmetry": "symmetric",
        "timing": "static",
        "scale_format": "fp32",
        "zero_point_format": {"not_applicable": "symmetric"},
    }
    dynamic = narrow | {"granularity": {"kind": "per_token"}, "timing": "dynamic"}
    only = settings["approach"] == "weight_only"
    found |= {
        "name": settings["format"].partition("_")[0].replace("fp8", "float8"),
        "role": "quantized",
        "precision": _precision(narrow, {"format": "bf16"} if only else dynamic),
        "mixed_precision": {
            "first_layer": settings["format"],
            "last_layer": "bf16",
            "exceptions": [
                {
                    "selector": {"kind": "tensor_class", "values": ["head"]},
                    "format": "bf16",
                    "reason": "the last layer is small and decides the classes",
                }
            ],
        },
        "quantization": {
            "algorithm": "rtn",
            "approach": settings["approach"],
            "parameters": {},
            "qat": {"not_applicable": "post-training"},
        },
        "calibration": {"none_needed": "weights are rounded, activations scaled when they come"},
    }
    device = given.provider if settings["format"].startswith("fp8") else "cpu"
    found["toolchain"]["quantizer"] = {
        "name": "torchao",
        "version": version("torchao").partition("+")[0],
        "options": {"config": settings["config"], "device": device},
    }
    return found


OPTIONS: dict[str, dict[str, Any]] = {
    "cuda": {"compile": True, "cuda_graph": True, "matmul_precision": "highest"},
    "cpu": {"intra_op_threads": 2, "matmul_precision": "highest"},
}
RECIPES: dict[str, dict[str, Any]] = {
    "float8-large-batch": {
        "title": "A wide network reads digits in float8 with scales per row, bound by the matrix units",
        "format": "fp8_e4m3fn",
        "approach": "dynamic",
        "config": "Float8DynamicActivationFloat8WeightConfig",
        "batch": LARGE,
    },
    "int8-large-batch": {
        "title": "A wide network reads digits in INT8 with scales per row, bound by the matrix units",
        "format": "int8",
        "approach": "dynamic",
        "config": "Int8DynamicActivationInt8WeightConfig",
        "batch": LARGE,
    },
    "int8-weights-batch-1": {
        "title": "A wide network reads one digit at a time with INT8 weights, bound by the memory",
        "format": "int8",
        "approach": "weight_only",
        "config": "Int8WeightOnlyConfig",
        "batch": 1,
    },
}

if __name__ == "__main__":
    main()
