"""One of the sixteen required disclosure components is missing or partial.

Each rule of this family documents itself in its record.

## What it checks
The status of one required component in each quantized regime.

## Why it matters to a buyer
A claim that lacks one of the sixteen cannot be verified, and one that gives it in part is not deployment grade.

## Disclose instead
What the remedy of the rule says.

## References
The disclosure components of `lynxspec.vocabulary`.
"""

from __future__ import annotations

from lynxspec.lint.component_rule import component_rule
from lynxspec.lint.rule import Rule, Severity
from lynxspec.vocabulary import Component


def _required(
    code: str,
    component: Component,
    *,
    checks: str,
    matters: str,
    remedy: str,
    question: str,
    references: str,
    told_elsewhere: frozenset[str] = frozenset(),
) -> Rule:
    documentation = (
        f"\n## What it checks\n{checks}\n\n## Why it matters to a buyer\n{matters}\n\n"
        f"## Disclose instead\n{remedy}\n\n## References\n{references}"
    )
    return component_rule(
        code,
        component,
        severity=Severity.ERROR,
        partial=Severity.WARNING,
        told_elsewhere=told_elsewhere,
        remedy=remedy,
        question=question,
        documentation=documentation,
    )


RULES = (
    _required(
        "LXS101",
        Component.PRECISION_FORMAT,
        checks="That the number format of the weights, and with it the regime, is named unambiguously.",
        matters="'8 bit' may be INT8, one of two FP8 encodings or a block format; they differ in accuracy, in speed "
        "and in "
        "the hardware that runs them.",
        remedy="Name the format of weights and activations, for example int8 and uint8.",
        question="In which number formats, exactly, are the weights and the activations stored and computed?",
        references="OCP 8-bit Floating Point Specification 1.0; OCP Microscaling Formats 1.0; ONNX TensorProto data "
        "types.",
    ),
    _required(
        "LXS102",
        Component.THROUGHPUT_GAIN,
        checks="That the gain of the quantized regime over its reference is a number, or follows from both rates.",
        matters="A rate alone does not say what quantization bought; the gain is what is paid for with accuracy.",
        remedy="Give the gain as a factor in `comparisons`, and the sustained rates of both regimes.",
        question="How much faster is the quantized model than the reference on the same system, as a factor, and "
        "what are "
        "both rates?",
        references="MLPerf Inference rules: results are compared within one system and scenario.",
        told_elsewhere=frozenset({"qualifier"}),
    ),
    _required(
        "LXS103",
        Component.BASELINE,
        checks="That the reference regime has a known precision, ran on the same system, and has a sustained rate "
        "itself.",
        matters="A gain over FP32 can be a loss against BF16 on the same chip, and a gain over last year's chip is "
        "not one "
        "of quantization.",
        remedy="Declare a reference regime with its precision and sustained rate, measured on the same system and "
        "stack.",
        question="What precision, hardware and software did the baseline of the stated gain use, and over what "
        "window was "
        "its rate measured?",
        references="TorchAO INT8 dynamic quantization on one CPU: 1.76 times FP32, yet slower than BF16 by 2.7 times.",
        told_elsewhere=frozenset({"nature", "system", "window"}),
    ),
    _required(
        "LXS104",
        Component.TENSORS_QUANTIZED,
        checks="That each tensor class has a scheme or a reason why it does not exist in this model.",
        matters="Weights alone save memory, weights and activations save arithmetic, and a quantized attention cache "
        "changes long outputs: three different risks under one name.",
        remedy="Give the scheme of every tensor class under `precision`, or `not_applicable` where the model has none.",
        question="Which tensors are quantized: weights, activations, operator outputs, biases, embeddings, head, "
        "attention "
        "cache, state?",
        references="ONNX QuantizeLinear and DequantizeLinear; compressed-tensors: targets for weights, activations, "
        "cache.",
    ),
    _required(
        "LXS105",
        Component.CALIBRATION_DATA,
        checks="That a static or data-driven recipe names its calibration set with the number of samples, and that "
        "other "
        "recipes say that none is needed.",
        matters="Ranges that were taken from other data than yours clip your inputs. No tool chain stores where they "
        "came "
        "from, so that nobody can find out later.",
        remedy="Name the calibration set, its digest, samples, selection and what it represents, or `none_needed` "
        "and why.",
        question="Which data set, revision, split and how many samples were used for calibration, how were they "
        "selected, "
        "and which deployment do they represent?",
        references="ONNX Runtime, TensorRT and llm-compressor write scales into the model, but not the data behind "
        "them.",
    ),
    _required(
        "LXS106",
        Component.CALIBRATION_METHOD,
        checks="That the calibration method is named with all its parameters.",
        matters="'Entropy' and 'percentile' have other defaults in each tool; the same word gives other scales.",
        remedy="Name the method and write out every parameter, bins and percentile included, or `none_needed` and why.",
        question="Which calibration method was used (min-max, entropy, percentile, ...), with which parameters?",
        references="ONNX Runtime quantization: CalibrationMethod; TensorRT: calibrators up to version 10.",
    ),
    _required(
        "LXS107",
        Component.GRANULARITY,
        checks="That the quantized weights and activations say how many values share a scale.",
        matters="One outlier channel sets the scale of a whole tensor; per-channel weights often decide between no "
        "loss "
        "and an unusable model.",
        remedy="Give per_tensor, per_channel, per_token, per_group with its size, per_block or per_head for each "
        "tensor.",
        question="At which granularity are weights and activations quantized: per tensor, channel, token or group, "
        "and of "
        "what size?",
        references="Nagel et al. 2021, A White Paper on Neural Network Quantization, section 2.2.",
    ),
    _required(
        "LXS108",
        Component.MIXED_PRECISION_POLICY,
        checks="That a policy names the formats of the first and the last layer and all exceptions.",
        matters="Which layers stay higher decides both the accuracy and the real share of fast arithmetic.",
        remedy="Fill in `mixed_precision`; an empty list of exceptions is an answer.",
        question="Which layers are kept at higher precision, in which format and why; what of the first and the last "
        "layer?",
        references="ONNX Runtime: nodes_to_exclude; NVIDIA TensorRT Model Optimizer: disabled quantizers per layer.",
    ),
    _required(
        "LXS109",
        Component.TOOL_CHAIN,
        checks="That the quantizer is named with its version.",
        matters="A recipe can be repeated only with the tool that ran it; defaults change between minor versions.",
        remedy="Give the name, exact version and options of the tool that wrote the quantized model.",
        question="Which tool and exact version produced the quantized model, with which options?",
        references="PEP 440 and Semantic Versioning, for what an exact version is.",
    ),
    _required(
        "LXS110",
        Component.MODEL_FAMILY,
        checks="That the model belongs to a family with known demands on calibration.",
        matters="The risk of 8 bit is small for convolutional models, moderate for encoders, substantial for "
        "decoders with "
        "quantized activations, and variable for recurrent ones.",
        remedy="Name the family: convolutional, transformer_encoder, transformer_decoder, recurrent, ...",
        question="What is the architecture of the model?",
        references="Bondarenko et al. 2021, on outliers in transformer encoders.",
    ),
    _required(
        "LXS111",
        Component.EVALUATION_SET,
        checks="That the evaluation set is named, resolved in `data`, and its items are counted.",
        matters="An accuracy without its data set cannot be repeated, and without the number of items not be judged.",
        remedy="Name the set with its revision, split, digest and number of items.",
        question="On which data set, revision, split and number of items was accuracy evaluated?",
        references="NIST AI 100-1 (AI RMF), Measure 2.1: test sets are documented.",
    ),
    _required(
        "LXS112",
        Component.ACCURACY_RESULT,
        checks="That the quantized regime has a value of the headline metric.",
        matters="'Accuracy preserved' is an adjective; the loss is what you pay for the speed.",
        remedy="Give the value of each metric for the quantized model itself, measured.",
        question="What is the accuracy of the quantized model itself, by which metric and implementation?",
        references="MLPerf Inference: accuracy is measured on the very system under test.",
        told_elsewhere=frozenset({"nature"}),
    ),
    _required(
        "LXS113",
        Component.ACCURACY_REFERENCE,
        checks="That the reference regime has a value of the headline metric.",
        matters="A loss is a difference of two numbers; a weak reference is easily recovered in full.",
        remedy="Give the value of each metric for the reference, evaluated by the same code on the same items.",
        question="What is the accuracy of the unquantized reference, evaluated in the same way?",
        references="MLPerf Inference: quality targets are relative to a published reference.",
        told_elsewhere=frozenset({"nature"}),
    ),
    _required(
        "LXS114",
        Component.ACCEPTANCE_CRITERION,
        checks="That a metric, a reference and a margin say what loss is acceptable.",
        matters="Without a margin that was set beforehand, whatever came out was good enough.",
        remedy="State the metric, the reference regime and the largest acceptable loss, with its unit.",
        question="What loss of accuracy did you define as acceptable, in which unit, before measuring?",
        references="ICH E9 and E10, on non-inferiority margins; MLPerf Inference: 99 % and 99.9 % of the reference.",
    ),
    _required(
        "LXS115",
        Component.WORKLOAD_RELEVANCE,
        checks="That the claim says what deployment its evaluation stands for.",
        matters="A standard benchmark says little about your inputs: quantization fails first on what it was not "
        "calibrated for.",
        remedy="State the deployment workload and why the evaluation set represents it.",
        question="Which deployment does the evaluation set represent, and has accuracy been measured on data like "
        "ours?",
        references="ISO/IEC 5259-2, data quality for machine learning: representativeness; NIST AI 100-1, Measure 2.5.",
        told_elsewhere=frozenset({"kind"}),
    ),
    _required(
        "LXS116",
        Component.SUSTAINED_THROUGHPUT,
        checks="That the quantized regime has a rate with its window, warm-up, repetitions and spread.",
        matters="Boost clocks last seconds to minutes; what you will run is what is left after that.",
        remedy="Measure for 600 s or show thermal equilibrium, and give rate, window, warm-up, repetitions and spread.",
        question="What throughput is sustained over at least ten minutes, at which batch, concurrency and power limit?",
        references="MLPerf Inference rules: runs of at least 600 s.",
        told_elsewhere=frozenset({"window", "nature"}),
    ),
)
