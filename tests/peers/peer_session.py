"""A session with one thread, and batches of a data set: what every peer measures."""

from __future__ import annotations

import functools

import numpy as np
import onnxruntime as ort


def session_of(model):
    """The session that the verifier's worker opens for the same options."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def batches_of(session, data, batch):
    """Full batches in the order of the file."""
    size = int(batch)
    with np.load(data, allow_pickle=False) as arrays:
        inputs = {entry.name: arrays[entry.name] for entry in session.get_inputs()}
    count = len(next(iter(inputs.values()))) // size
    return [
        {name: np.ascontiguousarray(values[at * size : (at + 1) * size]) for name, values in inputs.items()}
        for at in range(count)
    ]


def calls(model, data, batch):
    """The runtime's own call, and the batches."""
    session = session_of(model)
    names = [entry.name for entry in session.get_outputs()]
    return functools.partial(session.run, names), batches_of(session, data, batch)
