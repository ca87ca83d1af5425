"""The lexicon's models and hardware."""

from __future__ import annotations

import pytest

from lynxspec.facts.lexicon import Mention, mentions
from lynxspec.vocabulary import ModelFamily


def named(text: str, kind: str) -> list[tuple[str, str]]:
    """Words of the text and the name behind them, of one kind."""
    return [(text[m.start : m.end], m.name) for m in mentions(text) if m.kind == kind]


def one(text: str, kind: str) -> Mention:
    (found,) = [mention for mention in mentions(text) if mention.kind == kind]
    return found


# --- models


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We quantized Llama 3.1 8B Instruct.", [("Llama 3.1 8B Instruct", "Llama 3.1 8B Instruct")]),
        ("Llama-3.3-70B-Instruct-FP8-dynamic", [("Llama-3.3-70B-Instruct", "Llama 3.3 70B Instruct")]),
        ("llama2-70b", [("llama2-70b", "Llama 2 70B")]),
        ("Llama-3_3-Nemotron-Super-49B-v1", [("Llama-3_3-Nemotron-Super-49B-v1", "Llama 3.3 Nemotron Super 49B v1")]),
        ("Llama 3 (8B)", [("Llama 3 (8B)", "Llama 3 8B")]),
        ("qwen2.5:7b-instruct-q4_K_M", [("qwen2.5:7b-instruct", "Qwen 2.5 7B Instruct")]),
        ("Qwen2.5-7B", [("Qwen2.5-7B", "Qwen 2.5 7B")]),
        ("Qwen3-30B-A3B-Instruct-2507", [("Qwen3-30B-A3B-Instruct-2507", "Qwen 3 30B A3B Instruct 2507")]),
        ("DeepSeek-R1-Distill-Llama-8B", [("DeepSeek-R1-Distill-Llama-8B", "DeepSeek R1 distill Llama 8B")]),
        ("Mixtral-8x7B and Mixtral-7x8b", [("Mixtral-8x7B", "Mixtral 8x7B"), ("Mixtral-7x8b", "Mixtral 7x8B")]),
        ("gpt-oss-120b", [("gpt-oss-120b", "GPT-OSS 120B")]),
        ("GPT-4o mini", [("GPT-4o mini", "GPT 4o mini")]),
        ("Command R+", [("Command R+", "Command R+")]),
        ("bloom-7b1, OPT-6.7B", [("bloom-7b1", "BLOOM 7B1"), ("OPT-6.7B", "OPT 6.7B")]),
        ("Phi-3.5-mini-instruct", [("Phi-3.5-mini-instruct", "Phi 3.5 mini Instruct")]),
        ("internlm2_5-7b-chat", [("internlm2_5-7b-chat", "InternLM 2.5 7B Chat")]),
        ("通义千问-7B", [("通义千问-7B", "Qwen 7B")]),
        ("ResNet-50 v1.5", [("ResNet-50 v1.5", "ResNet 50 v1.5")]),
        ("resnet_v1_50, ResNet V1 18", [("resnet_v1_50", "ResNet v1 50"), ("ResNet V1 18", "ResNet v1 18")]),
        ("MobileNetV2 mobilenet_v2", [("MobileNetV2", "MobileNet v2"), ("mobilenet_v2", "MobileNet v2")]),
        ("EfficientNetB0/EfficientNet-B0", [("EfficientNetB0", "EfficientNet-B0"), ("EfficientNet-B0",) * 2]),
        ("efficientnet_lite0", [("efficientnet_lite0", "EfficientNet-Lite0")]),
        ("YOLOv8n, YOLOX-l", [("YOLOv8n", "YOLO v8 N"), ("YOLOX-l", "YOLOX L")]),
        ("SSD MobileNet V2", [("SSD MobileNet V2", "SSD MobileNet v2")]),
        ("ssd_mobilenet_v1_coco", [("ssd_mobilenet_v1", "SSD MobileNet v1")]),
        ("fcn8_resnet_v1_18", [("fcn8_resnet_v1_18", "FCN 8 ResNet v1 18")]),
        ("Faster R-CNN ResNet-50", [("Faster R-CNN ResNet-50", "Faster R-CNN ResNet 50")]),
        ("RetinaNet", [("RetinaNet", "RetinaNet")]),
        ("BERT-Large, DistilBERT", [("BERT-Large", "BERT large"), ("DistilBERT", "DistilBERT")]),
        ("bert-base-uncased", [("bert-base-uncased", "BERT base uncased")]),
        ("ViT-B/16 vit_b_16", [("ViT-B/16", "ViT B 16"), ("vit_b_16", "ViT B 16")]),
        ("Swin-T, ConvNext-B", [("Swin-T", "Swin T"), ("ConvNext-B", "ConvNeXt B")]),
        ("CLIP ViT-L/14", [("CLIP ViT-L/14", "CLIP ViT L 14")]),
        ("SDXL", [("SDXL", "Stable Diffusion XL")]),
        ("Stable Diffusion XL 1.0", [("Stable Diffusion XL 1.0", "Stable Diffusion XL 1.0")]),
        ("stable-diffusion-v1-5", [("stable-diffusion-v1-5", "Stable Diffusion 1.5")]),
        ("FLUX.1-dev", [("FLUX.1-dev", "FLUX.1 dev")]),
        ("FLUX.1 [schnell]", [("FLUX.1 [schnell]", "FLUX.1 schnell")]),
        ("Whisper large-v3", [("Whisper large-v3", "Whisper large v3")]),
        ("whisper-tiny.en", [("whisper-tiny.en", "Whisper tiny en")]),
        ("wav2vec2-base", [("wav2vec2-base", "wav2vec 2.0 base")]),
        ("RNN-T, rnnt", [("RNN-T", "RNN-T"), ("rnnt", "RNN-T")]),
        ("DeepLabV3+, U-Net, 3d-unet", [("DeepLabV3+", "DeepLab v3+"), ("U-Net", "U-Net"), ("3d-unet", "3D U-Net")]),
        ("T5-base, BART, LSTM", [("T5-base", "T5 base"), ("BART", "BART"), ("LSTM", "LSTM")]),
        ("Mamba-2.8B, RWKV, Jamba", [("Mamba-2.8B", "Mamba 2.8B"), ("RWKV", "RWKV"), ("Jamba", "Jamba")]),
        ("DLRM-v2, Wide & Deep", [("DLRM-v2", "DLRM v2"), ("Wide & Deep", "Wide & Deep")]),
    ],
)
def test_a_model_is_named_in_one_way_however_it_is_spelled(text: str, expected: list[tuple[str, str]]) -> None:
    assert named(text, "model") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Llama 2.5x faster", "Llama"),  # a factor
        ("Llama 33% faster", "Llama"),
        ("Llama 4 GPUs", "Llama"),  # a count
        ("BERT 90.9 F1", "BERT"),  # a score
        ("ResNet-50 76.1 75.9", "ResNet-50"),  # cells of a row
        ("bert-99.9", "bert"),  # an accuracy target of MLPerf
        ("Phi-3-4bit", "Phi-3"),
        ("ResNet50-w8a8", "ResNet50"),
        ("mobilenet_v2_w8_a8", "mobilenet_v2"),
        ("StableLM-3B-4E1T", "StableLM-3B"),
        ("YOLOv8n 640x640", "YOLOv8n"),
        ("Llama-3.1-405B-Instruct-NVFP4", "Llama-3.1-405B-Instruct"),
        ("Qwen2.5-7B-Instruct-AWQ", "Qwen2.5-7B-Instruct"),
    ],
)
def test_a_number_or_precision_behind_a_model_is_no_part_of_its_name(text: str, expected: str) -> None:
    assert [words for words, _ in named(text, "model")] == [expected]


def test_a_model_knows_its_stem_size_version_and_family() -> None:
    detail = one("Llama-3.1-8B-Instruct", "model").detail
    assert (detail["stem"], detail["version"], detail["size"]) == ("Llama", "3.1", "8B")
    assert detail["family"] == ModelFamily.TRANSFORMER_DECODER
    families = {
        "ResNet-50": "convolutional",
        "BERT": "transformer_encoder",
        "T5-small": "encoder_decoder",
        "LSTM": "recurrent",
        "Mamba": "state_space",
        "SDXL": "diffusion",
        "DLRM": "other",
    }
    assert {text: one(text, "model").detail["family"] for text in families} == families


@pytest.mark.parametrize(
    ("text", "words", "repository"),
    [
        ("see acme/Llama-3.2-1B-FP8 on", "acme/Llama-3.2-1B", "acme/Llama-3.2-1B-FP8"),
        ("https://huggingface.co/acme/Sparse-Llama-3-8B", "acme/Sparse-Llama-3-8B", "acme/Sparse-Llama-3-8B"),
        ("meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B"),
        ("models/resnet50.onnx", "resnet50", None),
        ("zoo/resnet50/deploy", "resnet50", None),
        ("BERT/RoBERTa", "BERT", None),
        ("PyTorch/ResNet-50", "ResNet-50", None),
        ("INT8/Llama-3-8B", "Llama-3-8B", None),
    ],
)
def test_a_repository_is_told_from_a_path(text: str, words: str, repository: str | None) -> None:
    first = next(mention for mention in mentions(text) if mention.kind == "model")
    assert text[first.start : first.end] == words
    assert first.detail.get("repository") == repository


def test_a_name_that_ends_with_a_size_is_a_model_even_if_nobody_knows_it() -> None:
    assert named("Nordlicht-7B-Instruct", "model") == [("Nordlicht-7B-Instruct", "Nordlicht 7B Instruct")]
    assert named("Acme/SuperNet-13B-Chat-AWQ", "model") == [("Acme/SuperNet-13B-Chat", "SuperNet 13B Chat")]
    detail = one("Nordlicht-7B-Instruct", "model").detail
    assert (detail["unknown"], detail["family"]) == ("yes", ModelFamily.TRANSFORMER_DECODER)
    assert "family" not in one("Nordlicht-7B", "model").detail
    assert named("Sub-7B models, BF16-8B, roughly 7B, about-7B, TP1-70B", "model") == []


@pytest.mark.parametrize(
    ("text", "name", "family"),
    [
        ("CNNs", "CNN", "convolutional"),
        ("a vision transformer", "vision transformer", "transformer_encoder"),
        ("LLMs", "large language model", "transformer_decoder"),
        ("diffusion models", "diffusion model", "diffusion"),
        ("the encoder", "encoder", "transformer_encoder"),
        ("an encoder-decoder", "encoder-decoder", "encoder_decoder"),
        ("ASR", "automatic speech recognition", None),
        ("大语言模型", "large language model", "transformer_decoder"),
    ],
)
def test_a_class_of_models_is_a_family(text: str, name: str, family: str | None) -> None:
    mention = one(text, "family")
    assert (mention.name, mention.detail.get("family")) == (name, family)


# --- hardware


@pytest.mark.parametrize(
    ("text", "words", "name", "detail"),
    [
        ("on an H100 SXM", "H100 SXM", "H100 SXM", {"product": "H100 SXM 80GB", "form": "SXM", "vendor": "NVIDIA"}),
        ("8xH100", "8xH100", "H100", {"count": "8"}),
        ("8x NVIDIA H100-SXM-80GB,", "8x NVIDIA H100-SXM-80GB", "H100 SXM 80GB", {"count": "8", "memory": "80GB"}),
        ("4×A100", "4×A100", "A100", {"count": "4"}),
        ("with 8 H100 GPUs", "8 H100 GPUs", "H100", {"count": "8", "unit": "gpu"}),
        ("two A100s", "two A100s", "A100", {"count": "2"}),
        ("H100 x8", "H100 x8", "H100", {"count": "8"}),
        ("GB200 NVL72", "GB200 NVL72", "GB200 NVL72", {"product": "GB200 (per Blackwell GPU)"}),
        ("A100 (80GB)", "A100 (80GB)", "A100 80GB", {"memory": "80GB"}),
        ("RTX4090", "RTX4090", "RTX 4090", {"product": "GeForce RTX 4090"}),
        ("RTX 6000 Ada", "RTX 6000 Ada", "RTX 6000 Ada", {"kind": "gpu"}),
        ("Jetson AGX Orin 64GB", "Jetson AGX Orin 64GB", "Jetson AGX Orin 64GB", {"kind": "board"}),
        ("MI300X", "MI300X", "MI300X", {"vendor": "AMD", "product": "MI300X"}),
        ("Intel® Gaudi® 3", "Intel® Gaudi® 3", "Gaudi 3", {"product": "Gaudi 3 (OAM air)"}),
        ("Intel(R) Xeon(R) Platinum 8480+", None, "Xeon Platinum 8480+", {"kind": "cpu", "vendor": "Intel"}),
        ("Intel Core Ultra 7 processor 155H", None, "Core Ultra 7 155H", {"kind": "soc"}),
        ("Ryzen AI 9 HX 370", None, "Ryzen AI 9 HX 370", {"vendor": "AMD"}),
        ("Snapdragon 8 Gen 3", None, "Snapdragon 8 Gen 3", {"vendor": "Qualcomm", "kind": "soc"}),
        ("Hexagon NPU", None, "Hexagon NPU", {"kind": "npu"}),
        ("iPhone 15 Pro", None, "iPhone 15 Pro", {"kind": "phone", "vendor": "Apple"}),
        ("M3 Max", None, "M3 Max", {"vendor": "Apple"}),
        ("Samsung Galaxy S24", None, "Galaxy S24", {"kind": "phone"}),
        ("TPUv5e", None, "TPU v5e", {"kind": "tpu", "product": "TPU v5e"}),
        ("trn2.48xlarge", None, "trn2.48xlarge", {"kind": "instance", "vendor": "AWS"}),
        ("Inferentia2", None, "Inferentia2", {"product": "Inferentia2 / Trainium1"}),
        ("昇腾910B", None, "Ascend 910B", {"vendor": "Huawei"}),
        ("Hailo-8L", None, "Hailo-8L", {"vendor": "Hailo"}),
        ("hailo8l", None, "Hailo-8l", {"vendor": "Hailo"}),
        ("RK3588", None, "RK3588", {"vendor": "Rockchip"}),
        ("i.MX 8M Plus", None, "i.MX 8M Plus", {"vendor": "NXP"}),
        ("STM32N6570-DK", None, "STM32N6570-DK", {"kind": "mcu"}),
        ("Zynq UltraScale+ MPSoC ZCU102", None, "Zynq ZCU102", {"kind": "fpga"}),
        ("Standard_ND96isr_H100_v5", None, "Standard_ND96isr_H100_v5", {"vendor": "Microsoft"}),
        ("Wormhole n300", None, "Wormhole n300", {"vendor": "Tenstorrent"}),
        ("Rebellions ATOM", None, "ATOM", {"vendor": "Rebellions"}),
        ("NVIDIA GPU", None, "NVIDIA GPU", {"generic": "yes", "vendor": "NVIDIA"}),
        ("FuriosaAI NPU", None, "FuriosaAI NPU", {"generic": "yes", "vendor": "FuriosaAI"}),
        ("Android phone", None, "Android phone", {"generic": "yes", "kind": "phone"}),
        ("Arm CPUs", None, "Arm CPU", {"generic": "yes", "vendor": "Arm"}),
    ],
)
def test_hardware_is_named_with_its_maker_count_memory_and_form(
    text: str, words: str | None, name: str, detail: dict[str, str]
) -> None:
    mention = one(text, "hardware")
    assert text[mention.start : mention.end] == (text if words is None else words)
    assert mention.name == name
    assert detail.items() <= mention.detail.items()


def test_a_product_is_not_generic_and_a_class_has_no_product() -> None:
    assert "generic" not in one("H100", "hardware").detail
    assert "product" not in one("GPUs", "hardware").detail


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("H200 1.9x faster", "H200"),
        ("H100 2x faster than A10", "H100"),
        ("A100 17 GB", "A100"),  # a measured size is not the memory of the card
        ("A100 (80GB, SXM)", "A100"),
    ],
)
def test_a_measurement_behind_a_product_is_no_part_of_it(text: str, words: str) -> None:
    assert named(text, "hardware")[0][0] == words
