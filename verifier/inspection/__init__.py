"""What precision an ONNX file holds, read without any runtime: ledger, weight error, comparison of two artifacts.

Runs inside the worker: standard library, numpy and ``onnx``, syntax of Python 3.8.

Axis convention: the axis of ``per_channel(axis=N)`` counts in the weight tensor as the file stores it. The output
channel of that tensor is axis 0 of a convolution, 1 of a transposed one, the last axis of a matrix product, and 0 of
a ``Gemm`` with ``transB``; each entry of the ledger's ``weights`` says in ``output_channel`` whether its axis is that.
"""
