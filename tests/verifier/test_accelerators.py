"""Cards: what is asked of NVML is there to be asked, and what the driver says decides which clauses can be tested."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from lynxspec.claim import Claim
from verifier import accelerators
from verifier.evidence.accelerator import Card
from verifier.host import describe
from verifier.judge.materiality import Axis
from verifier.judge.platform import hardware_differences

_SPEC = importlib.util.spec_from_file_location("judge_fixtures", Path(__file__).with_name("fixtures.py"))
zoo = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zoo)

H200 = Card(
    name="NVIDIA H200",
    uuid="GPU-00000000-0000-0000-0000-000000000000",
    memory_bytes=143771 * 2**20,
    compute_capability="9.0",
    driver="580.159.03",
    cuda="13.0",
    power_limit_w=700.0,
    default_power_limit_w=700.0,
    max_sm_clock_mhz=1980.0,
    max_memory_clock_mhz=3201.0,
    mig="off",
    ecc="on",
    persistence="on",
    nvlinks=None,
)
"""Name, memory, driver, capability and clocks as such a card told them; its limit by its data sheet."""


def differences(card: Card | None, **hardware: object) -> dict[str, str]:
    """Axes on which a claim for one H200 differs from a host with that card."""
    claim, evidence = zoo.claim_data(), zoo.evidence_data()
    claim["hardware"] |= {
        "kind": "gpu",
        "vendor": "NVIDIA",
        "product": "H200 SXM 141 GB",
        "memory": "141 GB",
        "power": {"limit": "700 W", "mode": {"not_applicable": "a card has a limit"}},
        "partition": {"not_applicable": "a whole card"},
    }
    claim["hardware"]["stack"] |= {"driver": "580.159.03", "compute_capability": "sm_90"}
    for name, value in hardware.items():
        (claim["hardware"]["stack"] if name in claim["hardware"]["stack"] else claim["hardware"])[name] = value
    host = evidence["host"] | {
        "accelerators": [card.name if card else "NVIDIA H200"],
        "cards": [card.model_dump()] if card else [],
    }
    found = hardware_differences(
        Claim.model_validate_json(zoo.json.dumps(claim)), type(describe()).model_validate_json(zoo.json.dumps(host))
    )
    return {d.axis.value: d.here for d in found if d.axis in _OF_CARDS}


_OF_CARDS = (Axis.POWER, Axis.DRIVER, Axis.MEMORY, Axis.PROCESSOR, Axis.COUNT)


def test_the_card_that_the_claim_states_differs_in_nothing():
    assert differences(H200) == {}


def test_a_card_that_could_not_be_asked_leaves_power_and_driver_unknown():
    assert differences(None) == {"power": "not known", "driver": "not known"}


@pytest.mark.parametrize(
    ("changed", "axis", "here"),
    [
        ({"driver": "550.54.15"}, "driver", "550.54.15"),
        ({"power_limit_w": 500.0}, "power", "500 W"),
        ({"power_limit_w": None}, "power", "not known"),
        ({"memory_bytes": 80 * 2**30}, "memory", "80.0 GiB"),
        ({"compute_capability": "8.9"}, "processor", "compute capability 8.9"),
        ({"mig": "on"}, "processor", "NVIDIA H200 cut by MIG"),
    ],
)
def test_each_difference_is_told_with_what_is_here(changed, axis, here):
    assert differences(H200.model_copy(update=changed)) == {axis: here}


@pytest.mark.parametrize("changed", [{"power_limit_w": 699.6}, {"memory_bytes": 141 * 10**9}])
def test_what_the_driver_rounds_is_no_difference(changed):
    assert differences(H200.model_copy(update=changed)) == {}


def test_a_claim_for_an_instance_is_not_held_against_a_cut_card():
    assert differences(H200.model_copy(update={"mig": "on"}), partition="MIG 3g.71gb") == {}


def test_another_card_is_other_hardware_whatever_its_driver():
    assert "processor" in differences(H200, product="L40S 48 GB")


def test_every_call_that_is_made_is_one_of_nvml():
    pynvml = pytest.importorskip("pynvml")
    names = set(re.findall(r"library\.(\w+)", Path(accelerators.__file__).read_text()))
    assert names
    assert names <= set(dir(pynvml))


def test_nothing_that_is_called_changes_a_card():
    called = re.findall(r"library\.(nvml\w+)", Path(accelerators.__file__).read_text())
    assert all(name.startswith(("nvmlDeviceGet", "nvmlSystemGet", "nvmlInit")) for name in called)


def test_the_host_names_its_cards_or_says_why_there_are_none():
    host = describe()
    assert bool(host.cards) != bool(host.cards_unknown)


@pytest.mark.gpu
def test_the_card_here_is_described():
    found = accelerators.cards()
    if not found.cards:
        pytest.skip(found.reason)
    card = found.cards[0]
    assert card.memory_bytes > 2**30
    assert re.fullmatch(r"\d+\.\d+", card.compute_capability)
    assert re.match(r"\d+\.\d+", card.driver)


@pytest.mark.parametrize(
    ("product", "card", "same"),
    [
        ("H200 NVL", "NVIDIA H200", False),  # another product: 600 W and not 700 W
        ("H200 NVL", "NVIDIA H200 NVL", True),
        ("GeForce RTX 4070 SUPER", "NVIDIA GeForce RTX 4070", False),
        ("GeForce RTX 4070 SUPER 12 GB", "NVIDIA GeForce RTX 4070 SUPER", True),
        ("GeForce RTX 4090 Laptop GPU", "NVIDIA GeForce RTX 4090", False),
        ("GeForce RTX 4090 D", "NVIDIA GeForce RTX 4090", False),
        ("A100-PCIE-40GB, PCIe", "NVIDIA A100-PCIE-40GB", True),
        ("L40S (Ada Lovelace)", "NVIDIA L40S", True),  # the generation and the slot are no variants
        ("L4 PCIe", "NVIDIA L4", True),
    ],
)
def test_a_card_whose_name_lacks_the_word_for_a_variant_is_another_product(product, card, same):
    found = differences(H200.model_copy(update={"name": card}), product=product)
    assert ("processor" not in found) is same
