"""One reader per disclosure component: from a `Document` to the evidence for it, graded by what a buyer could act on.

The grades follow one set of rules: disclosed is what a reader could act on, partial is named but not actionable, a
bound, an adjective, or told of something else as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lynxspec.extraction.components import calibration, precision, results, setting, speed, subject
from lynxspec.extraction.document import Document, Evidence
from lynxspec.vocabulary import Component

READERS: dict[Component, Callable[[Document], Iterable[Evidence]]] = {
    Component.PRECISION_FORMAT: precision.precision_format,
    Component.TENSORS_QUANTIZED: precision.tensors_quantized,
    Component.GRANULARITY: precision.granularity,
    Component.MIXED_PRECISION_POLICY: precision.mixed_precision_policy,
    Component.CALIBRATION_DATA: calibration.data,
    Component.CALIBRATION_METHOD: calibration.method,
    Component.TOOL_CHAIN: setting.tool_chain,
    Component.RUNTIME: setting.runtime,
    Component.DRIVER_STACK: setting.driver_stack,
    Component.HARDWARE: setting.hardware,
    Component.BATCH_OR_CONCURRENCY: setting.batch_or_concurrency,
    Component.MODEL_NAME: subject.model_name,
    Component.MODEL_FAMILY: subject.model_family,
    Component.WORKLOAD_RELEVANCE: subject.workload_relevance,
    Component.EVALUATION_SET: results.evaluation_set,
    Component.ACCURACY_RESULT: results.accuracy_result,
    Component.ACCURACY_REFERENCE: results.accuracy_reference,
    Component.ACCEPTANCE_CRITERION: results.acceptance_criterion,
    Component.THROUGHPUT_GAIN: speed.throughput_gain,
    Component.BASELINE: speed.baseline,
    Component.SUSTAINED_THROUGHPUT: speed.sustained_throughput,
    Component.LATENCY: speed.latency,
    Component.PEAK_ONLY: speed.peak_only,
}
"""`BASELINE` and `PEAK_ONLY` look at what the others gave; `lynxspec.extraction.assemble` knows."""
