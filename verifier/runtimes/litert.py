"""LiteRT (the distribution ai-edge-litert) on the processor, through XNNPACK or the built-in kernels.

Runs inside the worker process: standard library, numpy and ai-edge-litert, syntax of Python 3.8. Inputs and outputs go
by the names of the file's signature, and by those of its tensors where it has none.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from verifier.runtimes.runtime import Runtime

if TYPE_CHECKING:
    Arrays = dict[str, Any]

_RESOLVERS = {"XNNPACK": "BUILTIN", "builtin": "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "reference": "BUILTIN_REF"}
"""Providers: the default delegate, the built-in kernels without it, the reference kernels."""
_OPTIONS = ("intra_op_threads", "delegate_latest_features")


class _Model:
    """One interpreter: it holds one call's tensors, so that a second caller needs another."""

    def __init__(self, interpreter: Any) -> None:
        self.interpreter = interpreter
        self.inputs, self.outputs = _places(interpreter)
        self._shapes: dict[str, tuple[int, ...]] = {}

    def __call__(self, inputs: Arrays) -> list[Any]:
        """Run once; the outputs in the order of their names."""
        interpreter = self.interpreter
        shapes = {name: inputs[name].shape for name in self.inputs}
        if shapes != self._shapes:
            for name, number in self.inputs.items():
                interpreter.resize_tensor_input(number, shapes[name])
            interpreter.allocate_tensors()
            self._shapes = shapes
        for name, number in self.inputs.items():
            interpreter.set_tensor(number, inputs[name])
        interpreter.invoke()
        return [interpreter.get_tensor(number) for number in self.outputs.values()]


class _Session:
    """A model and as many interpreters of it as there were callers at once."""

    def __init__(self, path: str, provider: str, options: dict[str, Any]) -> None:
        self._open = functools.partial(_interpreter, path, provider, options)
        first = _Model(self._open())
        self.inputs, self.outputs = list(first.inputs), list(first.outputs)
        self._idle = [first]

    def call(self, inputs: Arrays) -> list[Any]:
        """Run on an interpreter that nobody else uses at the moment."""
        try:
            model = self._idle.pop()
        except IndexError:
            model = _Model(self._open())
        try:
            return model(inputs)
        finally:
            self._idle.append(model)


def _places(interpreter: Any) -> tuple[dict[str, int], dict[str, int]]:
    """Numbers of the input and output tensors by name."""
    signatures = interpreter.get_signature_list()
    if len(signatures) > 1:
        raise ValueError(f"the file has {len(signatures)} signatures, and a claim names none")
    if signatures:
        runner = interpreter.get_signature_runner(next(iter(signatures)))
        found = (runner.get_input_details(), runner.get_output_details())
        inputs, outputs = ({name: entry["index"] for name, entry in details.items()} for details in found)
    else:
        listed = (interpreter.get_input_details(), interpreter.get_output_details())
        inputs, outputs = ({entry["name"]: entry["index"] for entry in details} for details in listed)
    return inputs, outputs


def _threads(options: dict[str, Any]) -> int | None:
    unknown = sorted(set(options).difference(_OPTIONS))
    if unknown:
        raise ValueError("unknown session options {}; known are {}".format(", ".join(unknown), ", ".join(_OPTIONS)))
    value = options.get("intra_op_threads", 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"option intra_op_threads must be a whole number, not {value!r}")
    return value or None


def _interpreter(path: str, provider: str, options: dict[str, Any], **more: Any) -> Any:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    threads, latest = _threads(options), options.get("delegate_latest_features", False)
    if not isinstance(latest, bool):
        raise TypeError(f"option delegate_latest_features must be true or false, not {latest!r}")
    if provider not in _RESOLVERS:
        raise ValueError("provider {} is none of {}".format(provider, ", ".join(_RESOLVERS)))
    resolver = OpResolverType.__members__[_RESOLVERS[provider]]
    return Interpreter(
        model_path=path,
        num_threads=threads,
        experimental_op_resolver_type=resolver,
        experimental_default_delegate_latest_features=latest,
        **more,
    )


def open_session(path: str, provider: str, options: dict[str, Any]) -> _Session:
    """Load a model; one that needs operators of a library is refused."""
    from verifier.inspection.litert import read

    read(path)
    return _Session(path, provider, options)


def run(session: _Session, inputs: Arrays) -> Arrays:
    """Run once, all outputs."""
    return dict(zip(session.outputs, session.call(inputs)))


def bare(session: _Session) -> Any:
    """The interpreter's own calls: set, invoke, get."""
    return session.call


def executed(path: str, provider: str, options: dict[str, Any], inputs: Arrays) -> dict[str, Any]:
    """Products as the interpreter lists them once delegates have taken theirs, and who takes each.

    The interpreter has no profile in Python: there are no shares of time. A delegate's nodes are kept apart for this,
    so that each one that it takes is seen with its operands.
    """
    from verifier.inspection.ledger import layers, operator_groups, product_rows, tensor_groups
    from verifier.inspection.litert import PRODUCTS, read, survey

    found = survey(read(path))
    apart = _Model(_interpreter(path, provider, options, experimental_disable_delegate_node_fusion=True))
    apart(inputs)
    details = apart.interpreter._get_ops_details()  # noqa: SLF001 - no public call lists operators
    taken = {int(number) for entry in details if entry["op_name"] == "DELEGATE" for number in entry["outputs"]}
    own = [entry for entry in details if entry["op_name"] in PRODUCTS and int(entry["outputs"][0]) not in taken]
    names = {entry["index"]: entry["name"] for entry in apart.interpreter.get_tensor_details()}
    left = [str(names.get(int(entry["outputs"][0]), entry["index"])).partition(";")[0] for entry in own]
    delegated = sum(entry["op_name"] in PRODUCTS for entry in details) - len(own)
    if not taken and provider == "XNNPACK":
        raise RuntimeError("provider XNNPACK was asked for, but it takes no operator of this model")
    named = layers(found)
    return {
        "provider": provider,
        "operators": [dict(group, time_share=None) for group in operator_groups(found.products)],
        "layers": product_rows(found.products),
        "time": [],
        "tensors": tensor_groups(found.entries),
        "float_products": [
            {"name": product.node, "op_type": product.op_type, "dequantized": product.dequantized}
            for product in found.products
            if product.compute not in ("int8", "int16")
        ],
        "first_layer": named["first_layer"],
        "last_layer": named["last_layer"],
        "notes": [
            *_who(delegated, left),
            "the interpreter gives no profile: products are counted by their operands' types, their time is not known",
        ],
    }


def _who(delegated: int, left: list[str]) -> list[str]:
    words = [f"XNNPACK takes {delegated} of {delegated + len(left)} products"] if delegated else []
    if left:
        examples = ", ".join(left[:3])
        words.append(f"the built-in kernels take {len(left)} of {delegated + len(left)} products, e.g. {examples}")
    return words


def inspect(path: str) -> dict[str, Any]:
    """Precision ledger of a file."""
    from verifier.inspection.litert import ledger

    return ledger(path)


RUNTIME = Runtime(
    name="litert",
    requires=("ai_edge_litert",),
    distribution="ai-edge-litert",
    options=_OPTIONS,
    open=open_session,
    run=run,
    bare=bare,
    executed=executed,
    companions=("numpy", "onnx"),
    formats=(".tflite",),
    heads=False,
    inspect=inspect,
    quantizers=("ai-edge-quantizer",),
)
