"""What published words promise, read as a buyer would read them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lynxspec.claim import Claim
from lynxspec.draft import Draft
from lynxspec.lint.statement import lossless, promised_gains, promised_losses, up_to

Says = Callable[[str], Claim]


@pytest.fixture
def says(draft: Callable[..., Draft]) -> Says:
    """Make a claim with these words as its statement and a title that promises nothing."""

    def made(words: str) -> Claim:
        claim = draft(("identity.title", "a model in INT8"), ("identity.statement.text", words)).claim
        assert claim is not None
        return claim

    return made


@pytest.mark.parametrize(
    ("words", "gains"),
    [
        ("INT8 is 1.95x faster", [1.95]),
        ("2,1× the throughput of FP16", [2.1]),
        ("3 times faster than before", [3.0]),
        ("35% faster inference", [1.35]),
        ("40 percent higher throughput", [1.4]),
        ("twice as fast", [2.0]),
        ("doubles the throughput and is 3.3x smaller", [2.0]),
        ("images of 16 x 3 x 224 x 224", []),
        ("4x less memory", []),
        ("2 times 8 cores", []),
        ("99% of the accuracy", []),
        ("ran in June 2024", []),
    ],
)
def test_gains_in_words(says: Says, words: str, gains: list[float]) -> None:
    assert sorted(p.value for p in promised_gains(says(words))) == pytest.approx(sorted(gains))


@pytest.mark.parametrize(
    ("words", "losses"),
    [
        ("accuracy within one point", [1.0]),
        ("less than 0.5% accuracy drop", [0.5]),
        ("top-1 loss < 1 percentage point", [1.0]),
        ("accuracy is kept, latency under 5 % of the budget", []),
        ("within two points of FP32", []),
        ("accuracy of 97.2 %", []),
    ],
)
def test_bounds_on_the_loss_in_words(says: Says, words: str, losses: list[float]) -> None:
    assert [p.value for p in promised_losses(says(words))] == losses


@pytest.mark.parametrize(
    ("words", "hedged"),
    [
        ("lossless compression", [False]),
        ("no accuracy loss", [False]),
        ("without any measurable accuracy degradation", [False]),
        ("zero quality loss", [False]),
        ("accuracy preserved", [False]),
        ("near-lossless quantization", [True]),
        ("accuracy maintained within one point", []),
        ("a loss of 0.2 points", []),
        ("accuracy fell by 0.3 points", []),
    ],
)
def test_words_that_deny_a_loss(says: Says, words: str, hedged: list[bool]) -> None:
    assert [h for _, _, h in lossless(says(words))] == hedged


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("up to 2x faster", 1),
        ("as much as 40 % faster", 1),
        ("up to 3000 tokens/s", 1),
        ("serves up to 32 users", 0),
        ("up to 1 % accuracy loss", 0),
    ],
)
def test_words_that_give_a_bound_on_the_speed(says: Says, words: str, count: int) -> None:
    assert len(list(up_to(says(words)))) == count
