# SPDX-License-Identifier: Apache-2.0
"""Write model.tflite, the same network as model.onnx for LiteRT: same input, same output, same weights.

The graph is translated operator by operator: it has no others than those below. LiteRT keeps channels last, so that
the image is transposed once inside the model; kernels are laid out anew, their values stay bit by bit. Where a
convolution pads alike on both sides and steps by two, LiteRT's own padding would be lopsided, so that the border is
added by an operator of its own, as in the ONNX graph. Operators keep their names: where two became one, both.

    python examples/mobilenetv2-mnist/twin.py

It needs onnx, numpy and ai-edge-litert, and compares the two on the calibration items if onnxruntime is there as well.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from onnx import numpy_helper

HERE = Path(__file__).parent
AGREEMENT = 1e-5
"""Largest difference of a logit between the two, over the largest logit: float32 sums in another order."""


class Flat:
    """A LiteRT model under construction; every method that adds a tensor returns its number."""

    def __init__(self) -> None:
        """Begin with the empty buffer, which stands for tensors that are computed."""
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = "MobileNetV2 on digits, translated from model.onnx"
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT()
        self.graph.name = "main"
        self.graph.tensors, self.graph.operators = [], []
        self.model.subgraphs = [self.graph]
        self._codes: dict[int, int] = {}

    def constant(self, name: str, value: np.ndarray[Any, Any]) -> int:
        """A tensor with its values in the file."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        kind = schema.TensorType.INT32 if value.dtype == np.int32 else schema.TensorType.FLOAT32
        return self._tensor(name, list(value.shape), kind, len(self.model.buffers) - 1)

    def computed(self, name: str, shape: list[int]) -> int:
        """A tensor that is computed; its first axis is the batch, which is free."""
        number = self._tensor(name, shape, schema.TensorType.FLOAT32, 0)
        self.graph.tensors[number].shapeSignature = [-1, *shape[1:]]
        return number

    def operator(self, code: int, inputs: list[int], output: int, kind: int = 0, options: Any = None) -> int:  # noqa: ANN401 - one of many generated classes
        """An operator with one output, which is returned."""
        if code not in self._codes:
            entry = schema.OperatorCodeT()
            entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, min(code, 127), 1
            if code == schema.BuiltinOperator.RESIZE_BILINEAR:
                entry.version = 3  # half-pixel centres came with it
            self._codes[code] = len(self.model.operatorCodes)
            self.model.operatorCodes.append(entry)
        node = schema.OperatorT()
        node.opcodeIndex, node.inputs, node.outputs = self._codes[code], inputs, [output]
        node.builtinOptionsType, node.builtinOptions = kind, options
        self.graph.operators.append(node)
        return output

    def finish(self, image: int, logits: int) -> bytes:
        """Name input and output and write the file."""
        self.graph.inputs, self.graph.outputs = [image], [logits]
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = "serving_default", 0
        signature.inputs, signature.outputs = [schema.TensorMapT()], [schema.TensorMapT()]
        signature.inputs[0].name, signature.inputs[0].tensorIndex = "image", image
        signature.outputs[0].name, signature.outputs[0].tensorIndex = "logits", logits
        self.model.signatureDefs = [signature]
        builder = flatbuffers.Builder(1 << 24)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _tensor(self, name: str, shape: list[int], kind: int, buffer: int) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, shape, kind, buffer
        tensor.hasRank = True
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1


class Translation:
    """One ONNX graph on its way; a tensor of four axes is held with its channels last."""

    def __init__(self, source: onnx.GraphProto) -> None:
        """Nothing is translated yet."""
        self.flat = Flat()
        self.values = {entry.name: numpy_helper.to_array(entry) for entry in source.initializer}
        self.nodes = list(source.node)
        self.numbers: dict[str, int] = {}
        self.shapes: dict[str, list[int]] = {}
        self.fused: set[str] = set()

    def run(self) -> bytes:
        """Translate every node in order."""
        image = self.flat.computed("image", [1, 1, 28, 28])
        last = self.flat.constant("channels_last", np.array([0, 2, 3, 1], np.int32))
        self._put("image", [1, 28, 28, 1], "image.channels_last")
        options = schema.TransposeOptionsT()
        kind = schema.BuiltinOptions.TransposeOptions
        self.flat.operator(schema.BuiltinOperator.TRANSPOSE, [image, last], self.numbers["image"], kind, options)
        for node in self.nodes:
            if node.name not in self.fused:
                getattr(self, "_" + node.op_type.lower())(node)
        return self.flat.finish(image, self.numbers[self.nodes[-1].output[0]])

    def _put(self, name: str, shape: list[int], written: str | None = None) -> int:
        self.shapes[name] = shape
        self.numbers[name] = self.flat.computed(written or name, shape)
        return self.numbers[name]

    def _resize(self, node: onnx.NodeProto) -> None:
        batch, high, wide, channels = self.shapes[node.input[0]]
        scale = self.values[node.input[2]][2:]
        size = [round(high * float(scale[0])), round(wide * float(scale[1]))]
        options = schema.ResizeBilinearOptionsT()
        options.alignCorners, options.halfPixelCenters = False, True
        target = self.flat.constant(f"{node.name}.size", np.array(size, np.int32))
        inputs = [self.numbers[node.input[0]], target]
        output = self._put(node.output[0], [batch, *size, channels])
        kind = schema.BuiltinOptions.ResizeBilinearOptions
        self.flat.operator(schema.BuiltinOperator.RESIZE_BILINEAR, inputs, output, kind, options)

    def _sub(self, node: onnx.NodeProto) -> None:
        self._with_constant(node, schema.BuiltinOperator.SUB, "SubOptions", schema.SubOptionsT())

    def _div(self, node: onnx.NodeProto) -> None:
        self._with_constant(node, schema.BuiltinOperator.DIV, "DivOptions", schema.DivOptionsT())

    def _with_constant(self, node: onnx.NodeProto, code: int, kind: str, options: Any) -> None:  # noqa: ANN401 - as above
        value = self.values[node.input[1]].transpose(0, 2, 3, 1)
        shape = [*self.shapes[node.input[0]][:3], max(self.shapes[node.input[0]][3], value.shape[3])]
        inputs = [self.numbers[node.input[0]], self.flat.constant(node.input[1], value)]
        self.flat.operator(
            code, inputs, self._put(node.output[0], shape), getattr(schema.BuiltinOptions, kind), options
        )

    def _conv(self, node: onnx.NodeProto) -> None:
        attributes = {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}
        kernel, stride, pad = self.values[node.input[1]], attributes["strides"][0], attributes["pads"][0]
        batch, high, wide, _ = self.shapes[node.input[0]]
        data = self._padded(node, pad) if pad and stride > 1 else self.numbers[node.input[0]]
        after = self._activation(node)
        depthwise = attributes["group"] > 1
        options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
        options.strideH = options.strideW = stride
        options.dilationHFactor = options.dilationWFactor = 1
        options.padding = schema.Padding.VALID if pad and stride > 1 else schema.Padding.SAME
        relu6, none = schema.ActivationFunctionType.RELU6, schema.ActivationFunctionType.NONE
        options.fusedActivationFunction = relu6 if after is not None else none
        if depthwise:
            options.depthMultiplier = 1
            laid = kernel.transpose(1, 2, 3, 0)
            code, kind = schema.BuiltinOperator.DEPTHWISE_CONV_2D, schema.BuiltinOptions.DepthwiseConv2DOptions
        else:
            laid = kernel.transpose(0, 2, 3, 1)
            code, kind = schema.BuiltinOperator.CONV_2D, schema.BuiltinOptions.Conv2DOptions
        weight = self.flat.constant(node.input[1], laid)
        inputs = [data, weight, self.flat.constant(node.input[2], self.values[node.input[2]])]
        name = after.output[0] if after is not None else node.output[0]
        both = f"{node.output[0]};{name}" if after is not None else name  # LiteRT's converters join names like this
        shape = [batch, -(-high // stride), -(-wide // stride), kernel.shape[0]]
        self.flat.operator(code, inputs, self._put(name, shape, both), kind, options)

    def _padded(self, node: onnx.NodeProto, pad: int) -> int:
        batch, high, wide, channels = self.shapes[node.input[0]]
        borders = self.flat.constant(f"{node.name}.pads", np.array([[0, 0], [pad, pad], [pad, pad], [0, 0]], np.int32))
        output = self.flat.computed(f"{node.name}.padded", [batch, high + 2 * pad, wide + 2 * pad, channels])
        kind = schema.BuiltinOptions.PadOptions
        inputs = [self.numbers[node.input[0]], borders]
        return self.flat.operator(schema.BuiltinOperator.PAD, inputs, output, kind, schema.PadOptionsT())

    def _activation(self, node: onnx.NodeProto) -> onnx.NodeProto | None:
        """The cut at 0 and 6 after a convolution becomes part of it, as LiteRT has it."""
        after = [other for other in self.nodes if node.output[0] in other.input]
        if len(after) == 1 and after[0].op_type == "Clip":
            low, high = (float(self.values[name]) for name in after[0].input[1:])
            if (low, high) != (0.0, 6.0):
                raise SystemExit(f"{after[0].name} cuts at {low} and {high}, which LiteRT has no activation for")
            self.fused.add(after[0].name)
            return after[0]
        return None

    def _add(self, node: onnx.NodeProto) -> None:
        inputs = [self.numbers[name] for name in node.input]
        output = self._put(node.output[0], self.shapes[node.input[0]])
        kind = schema.BuiltinOptions.AddOptions
        self.flat.operator(schema.BuiltinOperator.ADD, inputs, output, kind, schema.AddOptionsT())

    def _globalaveragepool(self, node: onnx.NodeProto) -> None:
        batch, _, _, channels = self.shapes[node.input[0]]
        options = schema.ReducerOptionsT()
        options.keepDims = False
        axes = self.flat.constant(f"{node.name}.axes", np.array([1, 2], np.int32))
        output = self._put(node.output[0], [batch, channels])
        inputs = [self.numbers[node.input[0]], axes]
        self.flat.operator(schema.BuiltinOperator.MEAN, inputs, output, schema.BuiltinOptions.ReducerOptions, options)

    def _flatten(self, node: onnx.NodeProto) -> None:
        """Nothing is left to flatten after the mean."""
        self.numbers[node.output[0]] = self.numbers[node.input[0]]
        self.shapes[node.output[0]] = self.shapes[node.input[0]]

    def _gemm(self, node: onnx.NodeProto) -> None:
        weight = self.values[node.input[1]].T
        options = schema.FullyConnectedOptionsT()
        inputs = [self.numbers[node.input[0]], self.flat.constant(node.input[1], weight)]
        inputs.append(self.flat.constant(node.input[2], self.values[node.input[2]]))
        output = self._put(node.output[0], [self.shapes[node.input[0]][0], weight.shape[0]])
        kind = schema.BuiltinOptions.FullyConnectedOptions
        self.flat.operator(schema.BuiltinOperator.FULLY_CONNECTED, inputs, output, kind, options)


def compare(path: Path) -> float | None:
    """Largest difference of a logit over the largest logit, calibration items; ``None`` without ONNX Runtime."""
    try:
        import onnxruntime as ort  # noqa: PLC0415 - only for the comparison
    except ImportError:
        return None
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - as above

    images = np.load(HERE / "calibration.npz")["image"][:64]
    interpreter = Interpreter(str(path))
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], images)
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    expected = ort.InferenceSession(str(HERE / "model.onnx"), providers=["CPUExecutionProvider"]).run(
        None, {"image": images}
    )[0]
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def main() -> None:
    """Translate, write, compare."""
    target = HERE / "model.tflite"
    target.write_bytes(Translation(onnx.load(HERE / "model.onnx").graph).run())
    difference = compare(target)
    if difference is not None and difference > AGREEMENT:
        raise SystemExit(f"the outputs of {target.name} differ by {difference}")
    print(f"{hashlib.sha256(target.read_bytes()).hexdigest()}  {target.stat().st_size:>9}  {target.name}")
    print(
        "not compared: onnxruntime is not installed" if difference is None else f"largest difference {difference:.2g}"
    )


if __name__ == "__main__":
    main()
