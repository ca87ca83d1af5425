"""Interpreters with the heavy tools, for tests that need one: the reader's own, or this one if it has the tool.

``LYNXSPEC_TEST_ENV_OPENVINO=/path/to/python`` names the interpreter for tests of ``openvino``; without it, and where
the tool is not installed beside the tests, they are skipped and say so.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lynxspec.facts.tool_chains import canonical
from verifier.environments.interpreter import asked, own
from verifier.quantizers import find_quantizer
from verifier.runtimes import find_runtime


def interpreter_of(tool: str) -> Path:
    """A Python that has ``tool``, a quantizer's or runtime's name as claims write it; skips the test without one."""
    plugin = find_runtime(tool) or find_quantizer(tool)
    assert plugin is not None, f"no plug-in named {tool}"
    variable = "LYNXSPEC_TEST_ENV_" + canonical(tool).upper().replace("-", "_")
    path = os.environ.get(variable)
    found = asked(path) if path else own()
    if plugin.distribution and not found.version(plugin.distribution):
        pytest.skip(f"{plugin.distribution} is not installed; {variable} may name an interpreter that has it")
    return Path(path or sys.executable)
