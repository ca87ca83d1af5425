"""A head for engines that do not read ONNX: small graphs of a matrix product or two, run by ONNX's own evaluator.

Runs inside the worker process: standard library, numpy and onnx, syntax of Python 3.8. The evaluator is the standard's
reference implementation; it is slow and exact, and a head runs after the timed calls.
"""

from __future__ import annotations

from typing import Any


class Head:
    """A head's graph and the names of its inputs."""

    def __init__(self, path: str) -> None:
        """Load and check it; raises `ValueError` for what `verifier.inspection.graph.examine` refuses."""
        from onnx.reference import ReferenceEvaluator

        from verifier.inspection.graph import examine, load

        examine(path)
        self._evaluator = ReferenceEvaluator(load(path))
        self.inputs: list[str] = list(self._evaluator.input_names)
        self.outputs: list[str] = list(self._evaluator.output_names)

    def __call__(self, feeds: dict[str, Any]) -> dict[str, Any]:
        """Outputs by name."""
        return dict(zip(self.outputs, self._evaluator.run(None, feeds)))
