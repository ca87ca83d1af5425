"""NNCF's post-training quantization of ONNX models: what it writes is an ONNX file with quantize-dequantize pairs.

Runs inside the worker process: standard library, numpy, nncf, onnx, and onnxruntime, by which its ONNX backend runs
the calibration items; syntax of Python 3.8.

``subset_size`` counts batches, not items: of a data set with more batches the rest is left out without a word, which
the ledger of samples shows.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Any

from verifier.quantizers._nncf_recipe import OPTIONS, check, option, preset_of, variants
from verifier.quantizers.quantizer import Quantizer

_ESTIMATORS = {
    "minmax": "MINMAX",
    "mean_minmax": "MEAN_MINMAX",
    "median_minmax": "MEDIAN_MINMAX",
    "mean_no_outliers_minmax": "MEAN_NO_OUTLIERS_MINMAX",
    "mean_quantile": "MEAN_QUANTILE",
    "histogram": "HISTOGRAM",
}


def quantize(job: dict[str, Any]) -> dict[str, Any]:
    """Write ``job["output"]``."""
    import nncf
    import onnx

    from verifier.inspection.graph import examine, label, load
    from verifier.quantizers._policy import excluded_nodes

    examine(job["model"])
    with tempfile.TemporaryDirectory(prefix="lynxspec-") as folder:
        model = load(job["model"])
        if option(job, "opset"):
            model = onnx.version_converter.convert_version(model, option(job, "opset"))
        excluded = sorted(excluded_nodes(model, job))
        for node in model.graph.node:
            node.name = label(node)  # it knows nodes by name, and exporters may leave them unnamed
        items = _Items(job, model, folder)
        quantized = nncf.quantize(
            model,
            nncf.Dataset(items),
            preset=nncf.QuantizationPreset(preset_of(job)) if option(job, "preset") else None,
            target_device=nncf.TargetDevice(option(job, "target_device")),
            subset_size=option(job, "subset_size"),
            fast_bias_correction=option(job, "fast_bias_correction"),
            model_type=nncf.ModelType(option(job, "model_type")) if option(job, "model_type") else None,
            ignored_scope=nncf.IgnoredScope(names=excluded) if excluded else None,
            advanced_parameters=_advanced(job),
        )
        target = job["output"] + ".partial"
        with open(target, "wb") as file:
            file.write(quantized.SerializeToString(deterministic=True))
        os.replace(target, job["output"])
        return dict(items.account(), excluded=excluded)


def _advanced(job: dict[str, Any]) -> Any:
    """Settings beyond the plain call, each only where the recipe states it."""
    from nncf.quantization import advanced_parameters as advanced
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    settings: dict[str, Any] = {"disable_bias_correction": not option(job, "bias_correction")}
    if "batchwise_statistics" in (job.get("options") or {}):
        settings["batchwise_statistics"] = option(job, "batchwise_statistics")
    if option(job, "overflow_fix"):
        settings["overflow_fix"] = advanced.OverflowFix(option(job, "overflow_fix"))
    if option(job, "range_estimator"):
        name = _ESTIMATORS[option(job, "range_estimator")]
        settings["activations_range_estimator_params"] = vars(RangeEstimatorParametersSet)[name]
    alpha = option(job, "smooth_quant_alpha")
    if alpha is not None:
        settings["smooth_quant_alphas"] = advanced.AdvancedSmoothQuantParameters(convolution=-1, matmul=alpha)
    if option(job, "weights_per_channel") is not None:
        settings["weights_quantization_params"] = advanced.QuantizationParameters(
            per_channel=option(job, "weights_per_channel")
        )
    if option(job, "activations_per_channel") is not None:
        settings["activations_quantization_params"] = advanced.QuantizationParameters(
            per_channel=option(job, "activations_per_channel")
        )
    return advanced.AdvancedQuantizationParameters(**settings)


class _Items:
    """Calibration batches as the tool reads them, pass after pass; the longest pass is the ledger."""

    def __init__(self, job: dict[str, Any], model: Any, folder: str) -> None:
        from verifier.calibration import CalibrationReader

        if not job.get("calibration_data"):
            raise ValueError("static quantization needs calibration data")
        constants = {tensor.name for tensor in model.graph.initializer}
        inputs = [entry.name for entry in model.graph.input if entry.name not in constants]
        data = job["calibration"]["data"]
        samples, limit = data["samples"], job.get("limit")
        settings = {
            "samples": samples,
            "read": samples if limit is None else min(samples, max(limit, 4 * data["batch_size"])),
            "batch_size": data["batch_size"],
            "order": option(job, "calibration_order"),
            "seed": data["seed"] if isinstance(data.get("seed"), int) else 0,
        }
        self._reader = CalibrationReader(job["calibration_data"], inputs, settings, folder)
        self._report = job.get("report")
        self._longest = 0

    def __len__(self) -> int:
        return len(self._reader)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for index in range(len(self._reader)):
            self._longest = max(self._longest, index + 1)
            if self._report is not None:
                self._report((index + 1) / len(self._reader), f"calibration batch {index + 1}")
            yield self._reader.batch(index)

    def account(self) -> dict[str, Any]:
        """Items that entered the statistics: every batch that was taken did."""
        entered = list(range(self._longest))
        count, digest = self._reader.items(entered), self._reader.digest(entered)
        return {
            "samples": count,
            "digest": digest,
            "read": count,
            "read_digest": digest,
            "collection": "one_shot",
            "reason": "",
            "one_shot_bytes": None,
        }


QUANTIZER = Quantizer(
    name="nncf",
    requires=("nncf", "onnx", "onnxruntime"),
    distribution="nncf",
    options=tuple(OPTIONS),
    check=check,
    quantize=quantize,
    variants=variants,
    companions=("numpy", "onnx", "onnxruntime"),
)
