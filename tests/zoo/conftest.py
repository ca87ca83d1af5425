"""A claim over a small real model, measured here once for all tests that run the whole path."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import digits


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The claim, with its files beside it."""
    folder = tmp_path_factory.mktemp("digits")
    recipe = digits.build(folder)
    done = digits.program("measure", recipe, "-o", folder / "digits.claim.yaml", home=folder)
    assert done.returncode == 0, done.stderr
    return folder / "digits.claim.yaml"
