# SPDX-License-Identifier: Apache-2.0
"""Build the PyTorch twin of the recurrent example: the same weights and arithmetic as model.onnx, as model.pt2.

Five linear layers are called 77 times, as in the ONNX graph; they are modules, which is what PyTorch's quantizers look
for. The build stops unless the exported program gives the phonemes of model.onnx, by ONNX's reference evaluator, for
every evaluation word. Run build.py first; this one needs PyTorch and onnx:

    PYTHONPATH=.:examples python examples/g2p-gru/build_pytorch.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from building import report
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn

from verifier.inspection.program_archive import wash

HERE = Path(__file__).parent
HIDDEN = 256
LETTERS, PHONEMES = 16, 20
PAD, START, END = 0, 2, 3
MOST_WORDS = 4096  # in one call


class Pronouncer(nn.Module):
    """Encoder over the letters, greedy decoder over the phonemes."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        """Take the weights of model.onnx by name."""
        super().__init__()
        self.enc_emb = nn.Embedding.from_pretrained(torch.tensor(weights["enc_emb"]))
        self.dec_emb = nn.Embedding.from_pretrained(torch.tensor(weights["dec_emb"]))
        self.enc_ih, self.enc_hh = linear(weights, "enc_ih"), linear(weights, "enc_hh")
        self.dec_ih, self.dec_hh = linear(weights, "dec_ih"), linear(weights, "dec_hh")
        self.fc = linear(weights, "fc")

    def forward(self, graphemes: Tensor) -> dict[str, Tensor]:
        """Phonemes of each word, int64 [batch, 20]; what follows the end mark is 0."""
        letters = self.enc_ih(self.enc_emb(graphemes))
        padding = (graphemes == PAD).unsqueeze(-1)
        state = letters.new_zeros((graphemes.shape[0], HIDDEN))
        for at in range(LETTERS):
            state = torch.where(padding[:, at], state, step(letters[:, at], self.enc_hh(state), state))
        phoneme = torch.full_like(graphemes[:, 0], START)
        columns = []
        for _ in range(PHONEMES):
            state = step(self.dec_ih(self.dec_emb(phoneme)), self.dec_hh(state), state)
            phoneme = self.fc(state).argmax(-1)
            columns.append(phoneme)
        greedy = torch.stack(columns, 1)
        ends = (greedy == END).to(torch.int64)
        return {"phonemes": torch.where(ends.cumsum(1) - ends > 0, torch.zeros_like(greedy), greedy)}


def linear(weights: dict[str, np.ndarray], part: str) -> nn.Linear:
    """A layer with the weights that model.onnx has under ``part``, which lie there transposed."""
    layer = nn.Linear(*weights[f"{part}.weight"].shape)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weights[f"{part}.weight"].T))
        layer.bias.copy_(torch.tensor(weights[f"{part}.bias"]))
    return layer


def step(inputs: Tensor, recurrent: Tensor, state: Tensor) -> Tensor:
    """One GRU step from its two projections."""
    reset, update = torch.sigmoid(inputs[:, : 2 * HIDDEN] + recurrent[:, : 2 * HIDDEN]).chunk(2, 1)
    new = torch.tanh(inputs[:, 2 * HIDDEN :] + reset * recurrent[:, 2 * HIDDEN :])
    return (1 - update) * new + update * state


def main() -> None:
    """Build, check and write."""
    twin = onnx.load(HERE / "model.onnx")
    model = Pronouncer({t.name: numpy_helper.to_array(t) for t in twin.graph.initializer}).eval()
    with np.load(HERE / "evaluation.npz", allow_pickle=False) as arrays:
        graphemes = arrays["graphemes"]
    batch = torch.export.Dim("batch", min=1, max=MOST_WORDS)
    program = torch.export.export(model, (torch.tensor(graphemes[:2]),), dynamic_shapes=({0: batch},))
    with torch.inference_mode():
        found = program.module()(torch.tensor(graphemes))["phonemes"].numpy()
    expected = ReferenceEvaluator(twin).run(["phonemes"], {"graphemes": graphemes})[0]
    if not np.array_equal(found, expected):
        raise SystemExit(f"{(found != expected).any(axis=1).sum()} words differ from model.onnx")
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "model.pt2"
        torch.export.save(program, raw)
        wash(str(raw), str(HERE / "model.pt2"))
    print(f"the program equals model.onnx on {len(found)} words")
    report(HERE / "model.pt2")


if __name__ == "__main__":
    main()
