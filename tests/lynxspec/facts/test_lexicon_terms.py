"""The lexicon's data sets, metrics, tools, drivers, methods and foreign words."""

from __future__ import annotations

import pytest

from lynxspec.facts.lexicon import Mention, mentions
from lynxspec.vocabulary import Algorithm, Approach


def named(text: str, kind: str) -> list[tuple[str, str]]:
    """Words of the text and the name behind them, of one kind."""
    return [(text[m.start : m.end], m.name) for m in mentions(text) if m.kind == kind]


def one(text: str, kind: str) -> Mention:
    (found,) = [mention for mention in mentions(text) if mention.kind == kind]
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ImageNet (ILSVRC2012)", ["ImageNet", "ImageNet"]),
        ("COCO val2017, Open Images v6, VOC2007", ["COCO", "OpenImages", "Pascal VOC"]),
        ("SQuAD v1.1 dev", ["SQuAD"]),
        ("GLUE MNLI SST-2", ["GLUE", "MNLI", "SST-2"]),
        ("MMLU, MMLU-Pro, mmlu_pro", ["MMLU", "MMLU-Pro", "MMLU-Pro"]),
        ("GSM-8K, MATH-500, ARC-C, arc_challenge", ["GSM8K", "MATH-500", "ARC-Challenge", "ARC-Challenge"]),
        ("HumanEval+, IFEval, BBH, AIME 2024", ["HumanEval", "IFEval", "BBH", "AIME"]),
        ("WikiText-2, wikitext2, C4", ["WikiText-2", "WikiText-2", "C4"]),
        ("mit-han-lab/pile-val-backup", ["pile-val-backup"]),
        ("HuggingFaceH4/ultrachat_200k, OpenOcra", ["UltraChat", "OpenOrca"]),
        ("CNN/DailyMail, cnn_dailymail, samsum", ["CNN/DailyMail", "CNN/DailyMail", "samsum"]),
        ("LibriSpeech test-clean, Criteo 1TB", ["LibriSpeech", "Criteo"]),
        ("OpenLLM Leaderboard v1", ["OpenLLM Leaderboard v1"]),
    ],
)
def test_data_sets_are_found(text: str, expected: list[str]) -> None:
    assert [name for _, name in named(text, "dataset")] == expected


def test_a_data_set_has_its_role_split_variant_and_shots() -> None:
    assert one("pile-val-backup", "dataset").detail["role"] == "calibration"
    assert one("MMLU", "dataset").detail["role"] == "evaluation"
    assert one("MMLU (5-shot)", "dataset").detail["shots"] == "5"
    assert one("5-shot MMLU", "dataset").detail["shots"] == "5"
    assert one("LibriSpeech test-clean", "dataset").detail["split"] == "test-clean"
    assert one("SQuAD v1.1 dev", "dataset").detail["variant"] == "v1.1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("top-1, Top1 accuracy, top-5", ["top-1 accuracy", "top-1 accuracy", "top-5 accuracy"]),
        ("mAP, mAP@0.5, mAP@[.5:.95], mAP50-95", ["mAP", "mAP50", "mAP50-95", "mAP50-95"]),
        ("mAP 0.47443", ["mAP"]),
        ("F1, exact match, perplexity (ppl)", ["F1", "exact match", "perplexity", "perplexity"]),
        ("BLEU, ROUGE-L, WER, PSNR, FID", ["BLEU", "ROUGE-L", "WER", "PSNR", "FID"]),
        ("pass@1, recovery 99.3%", ["pass@1", "recovery"]),
        ("准确率 정확도 Genauigkeit", ["accuracy"] * 3),
    ],
)
def test_metrics_are_found(text: str, expected: list[str]) -> None:
    assert [name for _, name in named(text, "metric")] == expected


def test_a_metric_knows_which_way_is_better() -> None:
    assert one("perplexity", "metric").detail["better"] == "lower"
    assert one("accuracy", "metric").detail["better"] == "higher"


@pytest.mark.parametrize(
    ("text", "words", "tool", "version"),
    [
        ("using AutoAWQ v0.2.5 with", "AutoAWQ v0.2.5", "autoawq", "0.2.5"),
        ("bitsandbytes==0.43.1", None, "bitsandbytes", "0.43.1"),
        ("nvidia-modelopt==0.4", None, "modelopt", "0.4"),
        ("TensorRT Model Optimizer v0.19", None, "modelopt", "0.19"),
        ("vLLM (v0.6.3)", None, "vllm", "0.6.3"),
        ("TensorRT-LLM release 0.12", None, "tensorrt-llm", "0.12"),
        ("TensorRT-LLM commit 1a2b3c4d5e6f", None, "tensorrt-llm", "1a2b3c4d5e6f"),
        ("llama.cpp b3405", None, "llama.cpp", "b3405"),
        ("TensorRT 10", None, "tensorrt", "10"),
        ("PyTorch 2.4.0+cu121", None, "pytorch", "2.4.0+cu121"),
        ("transformers==4.44.2", None, "transformers", "4.44.2"),
        ("TensorRT 2.1x faster", "TensorRT", "tensorrt", None),
        ("vLLM 30K tokens per second", "vLLM", "vllm", None),
        ("vLLM 23.5 ms", "vLLM", "vllm", None),
        ("vLLM 1234.5 2345.6", "vLLM", "vllm", None),
        ("使用TensorRT 8.5进行", "TensorRT 8.5", "tensorrt", "8.5"),
        ("Tensor(RT)-LLM", None, "tensorrt-llm", None),
        ("TenorR-LLM", None, "tensorrt-llm", None),
    ],
)
def test_a_tool_is_named_with_its_version(text: str, words: str | None, tool: str, version: str | None) -> None:
    mention = one(text, "tool")
    assert text[mention.start : mention.end] == (text if words is None else words)
    assert (mention.detail["tool"], mention.detail.get("version")) == (tool, version)


def test_a_tool_says_whether_it_quantizes_or_runs() -> None:
    assert one("AutoAWQ", "tool").detail["roles"] == "quantizer"
    assert one("vLLM", "tool").detail["roles"] == "runtime"
    assert one("OpenVINO", "tool").detail["roles"] == "quantizer runtime"
    assert one("lm-evaluation-harness", "tool").detail["roles"] == "harness"


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("CUDA 12.4", "CUDA", "12.4"),
        ("driver 550.54.15", "NVIDIA driver", "550.54.15"),
        ("NVIDIA driver version 535", "NVIDIA driver", "535"),
        ("JetPack 6.0", "JetPack", "6.0"),
        ("Windows 11", "Windows", "11"),
        ("Ubuntu", "Ubuntu", ""),
        ("kernel 5.15", "Linux kernel", "5.15"),
        ("nvcr.io/nvidia/pytorch:24.05-py3", "container image", "24.05-py3"),
    ],
)
def test_a_driver_is_named_with_its_version(text: str, name: str, version: str) -> None:
    mention = one(text, "driver")
    assert (mention.name, mention.detail["version"]) == (name, version)


@pytest.mark.parametrize(
    ("text", "algorithm"),
    [
        ("cpu-int4-rtn-block-32", Algorithm.RTN),
        ("activation-aware weight quantization", Algorithm.AWQ),
        ("Smooth Quant", Algorithm.SMOOTHQUANT),
        ("SignRound", Algorithm.AUTOROUND),
        ("QuIP#", Algorithm.QUIP_SHARP),
        ("importance matrix", Algorithm.K_QUANT),
        ("quantization\u2011aware training", Algorithm.QAT),
        ("cross-layer equalization", Algorithm.CROSS_LAYER_EQUALIZATION),
        ("double quantization", Algorithm.OTHER),
    ],
)
def test_an_algorithm_is_given_in_the_vocabularys_word(text: str, algorithm: Algorithm) -> None:
    assert one(text, "algorithm").detail["algorithm"] == algorithm


@pytest.mark.parametrize(
    ("text", "words", "method", "value"),
    [
        ("min-max ranges", "min-max", "minmax", None),
        ("99.99 percentile calibration", "99.99 percentile calibration", "percentile", "99.99"),
        ("percentile calibration (99.9)", "percentile calibration (99.9)", "percentile", "99.9"),
        ("IInt8EntropyCalibrator2", "IInt8EntropyCalibrator2", "entropy", None),
        ("calibrated by KL divergence", "KL divergence", "entropy", None),
        ("80.376% (Asymmetric MSE)", "Asymmetric MSE", "mse", None),
        ("moving average min-max", "moving average min-max", "moving_average", None),
    ],
)
def test_a_calibration_method_is_found_with_its_value(text: str, words: str, method: str, value: str | None) -> None:
    mention = one(text, "calibration_method")
    assert text[mention.start : mention.end] == words
    assert (mention.detail["method"], mention.detail.get("value")) == (method, value)


def test_a_percentile_of_latencies_or_an_entropy_of_physics_is_no_calibration() -> None:
    for text in ("quantized: 99th percentile latency 12 ms", "the entropy of the gas", "a histogram of ages"):
        assert named(text, "calibration_method") == []


def test_approaches_are_found() -> None:
    assert one("weight-only", "approach").detail["approach"] == Approach.WEIGHT_ONLY
    assert one("dynamic quantization", "approach").detail["approach"] == Approach.DYNAMIC
    assert one("post-training quantization", "approach").detail.get("approach") is None
    assert named("static and dynamic equilibrium", "approach") == []


@pytest.mark.parametrize(
    ("text", "components"),
    [
        (
            "量化 校准 吞吐 时延 批大小",
            ["precision_format", "calibration_method", "sustained_throughput", "latency", "batch_or_concurrency"],
        ),
        ("量子化 較正 スループット", ["precision_format", "calibration_method", "sustained_throughput"]),
        ("양자화 보정 처리량", ["precision_format", "calibration_method", "sustained_throughput"]),
        ("Quantisierung, Kalibrierung, Durchsatz", ["precision_format", "calibration_method", "sustained_throughput"]),
        ("Batchgröße", ["batch_or_concurrency"]),
        ("校准数据集", ["calibration_data"]),
    ],
)
def test_component_words_of_other_languages_are_found(text: str, components: list[str]) -> None:
    assert [mention.detail["component"] for mention in mentions(text) if mention.kind == "word"] == components
