"""A model with the shapes of ResNet-50 and random weights: what counts is how much it computes and keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
"""Width and number of blocks: He, Zhang, Ren, Sun (2016), table 1, the column of 50 layers."""


class _Layers:
    """Nodes and weights as they are added; each method gives the name of its output."""

    def __init__(self):
        self.nodes, self.weights = [], []
        self._rng = np.random.default_rng(0)

    def node(self, op, inputs, **attributes):
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def weight(self, shape, scale):
        name = f"w{len(self.weights)}"
        values = self._rng.normal(size=shape, scale=scale).astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def convolution(self, x, inputs, outputs, size, stride, *, relu=True):
        weights = self.weight((outputs, inputs, size, size), np.sqrt(2 / (inputs * size * size)))
        attributes = {"kernel_shape": [size] * 2, "strides": [stride] * 2, "pads": [size // 2] * 4}
        y = self.node("Conv", [x, weights, self.weight((outputs,), 0.1)], **attributes)
        return self.node("Relu", [y]) if relu else y


def resnet50(path: Path) -> Path:
    """Write the model: ``x`` is ``n, 3, 224, 224``, ``y`` is ``n, 1000``."""
    layers = _Layers()
    x = layers.convolution("x", 3, 64, 7, 2)
    x = layers.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for number, (width, blocks) in enumerate(STAGES):
        for block in range(blocks):
            stride = 2 if number and not block else 1
            y = layers.convolution(x, channels, width, 1, 1)
            y = layers.convolution(y, width, width, 3, stride)
            y = layers.convolution(y, width, 4 * width, 1, 1, relu=False)
            if not block:
                x = layers.convolution(x, channels, 4 * width, 1, stride, relu=False)
            x, channels = layers.node("Relu", [layers.node("Add", [y, x])]), 4 * width
    x = layers.node("Flatten", [layers.node("GlobalAveragePool", [x])])
    layers.nodes.append(
        helper.make_node("Gemm", [x, layers.weight((2048, 1000), 0.02), layers.weight((1000,), 0.1)], ["y"], name="y")
    )
    graph = helper.make_graph(
        layers.nodes,
        "resnet50",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 224, 224])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1000])],
        layers.weights,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path
