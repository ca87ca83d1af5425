"""The complete claim of the test data, whole and patched: shared by the tests of rules, engine and score."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path as File
from typing import Any

import pytest
from ruamel.yaml import YAML

from lynxspec.claim import Claim
from lynxspec.disclosure import draft_of
from lynxspec.draft import Draft, Places

COMPLETE = YAML(typ="safe").load((File(__file__).parents[1] / "data" / "complete.claim.yaml").read_text())


def _patched(*patch: tuple[str, Any]) -> Any:
    """The complete claim with the leaves of ``patch`` replaced; see ``tests/data/rules/README.md``."""
    document = copy.deepcopy(COMPLETE)
    for spelled, value in patch:
        path = [int(i) if i else key for i, key in re.findall(r"\[(\d+)\]|([^.\[\]]+)", spelled)]
        at = document
        for part in path[:-1]:
            at = at[part]
        last: Any = path[-1]
        if value == "__delete__":
            del at[last]
        elif isinstance(at, list) and last == len(at):
            at.append(copy.deepcopy(value))
        else:
            at[last] = copy.deepcopy(value)
    return document


def _draft(*patch: tuple[str, Any], **more: Any) -> Draft:
    claim = Claim.model_validate_json(json.dumps(_patched(*patch)))
    source = "complete.claim.yaml"
    return draft_of(claim, source=source, **{"places": Places(source=source), **more})


@pytest.fixture(scope="session")
def draft() -> Callable[..., Draft]:
    """Make a draft of the complete claim with patches ``(path, value)``; keywords go to `draft_of`."""
    return _draft
