"""Tiny PyTorch programs with known weights, exported as their authors would; needs torch, and torchao for some.

Run by an interpreter that has them: ``python make_programs.py FOLDER``. The ones in ``tests/data/programs`` were made
by PyTorch 2.13.0+cpu and torchao 0.18.0; tests that only read files use those.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import nn


def known(rows: int, columns: int, period: int) -> torch.Tensor:
    """Weights that a test can write down again: quarters, from -(period // 2) / 4 up."""
    values = torch.arange(rows * columns) % period - period // 2
    return (values.float() / 4).reshape(rows, columns)


class TwoLayers(nn.Module):
    """``y = b(relu(a(x)))`` over 32 and 64 channels, returned under its name."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(32, 64), nn.Linear(64, 8)
        with torch.no_grad():
            self.a.weight.copy_(known(64, 32, 7))
            self.a.bias.copy_(known(1, 64, 5)[0])
            self.b.weight.copy_(known(8, 64, 11))
            self.b.bias.zero_()
        self.to(dtype)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"y": self.b(torch.relu(self.a(x)))}


class Attention(nn.Module):
    """Embedding, one head of attention, a classifier: two products have no weight."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(20, 32)
        self.query, self.key, self.value = nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 32)
        self.classifier = nn.Linear(32, 4)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = self.table(ids)
        scores = self.query(x) @ self.key(x).transpose(1, 2) + mask.unsqueeze(1)
        return self.classifier((scores.softmax(-1) @ self.value(x)).mean(1))


class Convolution(nn.Module):
    """A product that torchao does not quantize, before one that it does."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(4 * 36, 3)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.fc(torch.relu(self.conv(image)).flatten(1))


class Float8(nn.Module):
    """One FP8 product with a scale for each row of its input, computed from it, as torchao writes it for a GPU."""

    def __init__(self) -> None:
        super().__init__()
        weight = known(16, 32, 7)
        self.register_buffer("scale", (weight.abs().amax(1, keepdim=True) / 448.0))
        self.register_buffer("weight", (weight / self.scale).to(torch.float8_e4m3fn))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scale = x.abs().amax(1, keepdim=True).clamp(min=1e-12) / 448.0
        codes = (x / scale).clamp(-448.0, 448.0).to(torch.float8_e4m3fn)
        return torch._scaled_mm(codes, self.weight.t(), scale_a=scale, scale_b=self.scale.t(), out_dtype=torch.bfloat16)


def export(model: nn.Module, inputs: tuple[torch.Tensor, ...], path: Path, *, keywords: bool = False) -> None:
    """Free in the first axis of each input."""
    batch = torch.export.Dim("batch", min=1, max=4096)
    free = tuple({0: batch} for _ in inputs)
    names = ("ids", "mask")
    if keywords:
        given = dict(zip(names, inputs, strict=True))
        program = torch.export.export(model.eval(), (), given, dynamic_shapes=dict(zip(names, free, strict=True)))
    else:
        program = torch.export.export(model.eval(), inputs, dynamic_shapes=free)
    torch.export.save(program, path)


def quantized(folder: Path) -> None:
    """torchao as its documentation uses it, without anything of ours; one with its subclasses, which are pickled."""
    import torchao.quantization as ao
    from torchao.quantization.granularity import PerGroup
    from torchao.utils import unwrap_tensor_subclass

    configs = {
        "int8_dynamic": ao.Int8DynamicActivationInt8WeightConfig(),
        "int8_weights": ao.Int8WeightOnlyConfig(),
        "int4_weights": ao.IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(32)),
        "int4_int8": ao.Int8DynamicActivationIntxWeightConfig(weight_dtype=torch.int4, weight_granularity=PerGroup(32)),
        "float8_weights": ao.Float8WeightOnlyConfig(),
    }
    for name, config in configs.items():
        model = TwoLayers()
        ao.quantize_(model, config)
        if name == "int8_weights":
            export(model, (torch.zeros(2, 32),), folder / "pickled.pt2")
        unwrap_tensor_subclass(model)
        export(model, (torch.zeros(2, 32),), folder / f"{name}.pt2")


def main() -> None:
    """Write all."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    export(TwoLayers(), (torch.zeros(2, 32),), folder / "two_layers.pt2")
    export(TwoLayers(torch.bfloat16), (torch.zeros(2, 32, dtype=torch.bfloat16),), folder / "bf16.pt2")
    ids, mask = torch.zeros(2, 6, dtype=torch.int64), torch.zeros(2, 6)
    export(Attention(), (ids, mask), folder / "attention.pt2", keywords=True)
    export(Convolution(), (torch.zeros(2, 1, 8, 8),), folder / "convolution.pt2")
    export(Float8(), (torch.ones(16, 32),), folder / "float8_dynamic.pt2")
    quantized(folder)


if __name__ == "__main__":
    main()
