"""Outputs that an engine leaves on its device are fetched before the next call writes over them."""

from __future__ import annotations

from typing import Any

import numpy as np

from verifier.callers import Sample
from verifier.workload import Opened


class Device:
    """An engine whose only output buffer the next call writes over."""

    def __init__(self) -> None:
        self.inputs = ["x"]
        self.buffer = np.zeros(0)
        self.fetched = 0

    def run(self, inputs: dict[str, Any]) -> dict[str, Any]:
        self.buffer = inputs["x"] * 2.0
        return {"y": Left(self)}


class Left:
    """An output that is still there."""

    def __init__(self, device: Device) -> None:
        self.device, self.buffer = device, device.buffer

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if self.buffer is not self.device.buffer:
            raise RuntimeError("overwritten by a later call")
        self.device.fetched += 1
        return self.buffer.copy()


class Runtime:
    """What the worker knows of such an engine."""

    timed = None

    def __init__(self) -> None:
        self.device = Device()

    def open(self, _model: str, _provider: str, _options: dict[str, Any]) -> Device:
        return self.device

    def run(self, session: Device, inputs: dict[str, Any]) -> dict[str, Any]:
        return session.run(inputs)

    def bare(self, session: Device) -> Any:
        return session.run


def test_the_draw_keeps_what_the_call_gave_and_fetches_nothing_else():
    device = Device()
    sample = Sample(lambda outputs: outputs, 2, 2**20, seed=1)
    for number in range(50):
        outputs = device.run({"x": np.full(3, float(number))})
        if number == sample.next:
            sample.take(number, outputs)
    assert len(sample.kept) == 2
    for number, outputs in sample.kept:
        assert np.array_equal(outputs["y"], np.full(3, 2.0 * number))
    assert device.fetched < 50


def test_an_evaluation_has_the_outputs_of_every_call(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.arange(10.0).reshape(10, 1))
    opened = Opened(Runtime(), {"model": "", "provider": ""})
    request = {"data": str(tmp_path / "data.npz"), "inputs": ["x"], "batch": 4, "out": str(tmp_path / "out.npz")}
    opened.evaluate(request)
    with np.load(tmp_path / "out.npz") as arrays:
        assert np.array_equal(arrays["y"], 2.0 * np.arange(10.0).reshape(10, 1))
