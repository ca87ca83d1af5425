"""The floors hold, and every file of a plug-in folder ends in its record."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLUGINS = {
    "lynxspec/lint/rules": ("RULE", "RULES"),
    "lynxspec/importers": ("IMPORTER",),
    "lynxspec/reporters": ("REPORTER",),
    "verifier/quantizers": ("QUANTIZER",),
    "verifier/runtimes": ("RUNTIME",),
}
CONTRACT_FILES = {"importer.py", "reporter.py", "quantizer.py", "runtime.py"}


def test_imports_run_one_way() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]


def _plugin_files() -> list[tuple[str, Path]]:
    found = []
    for folder in PLUGINS:
        files = sorted((ROOT / folder).glob("[!_]*.py"))
        found += [(folder, file) for file in files if file.name not in CONTRACT_FILES]
    return found


@pytest.mark.parametrize(("folder", "file"), _plugin_files(), ids=lambda value: getattr(value, "stem", None))
def test_a_plugin_file_ends_in_its_record(folder: str, file: Path) -> None:
    module = import_module(f"{folder.replace('/', '.')}.{file.stem}")
    assert any(hasattr(module, name) for name in PLUGINS[folder])
    assert module.__doc__


def test_there_is_no_room_for_odds_and_ends() -> None:
    names = {path.stem for top in ("lynxspec", "verifier") for path in (ROOT / top).rglob("*.py")}
    assert not names & {"utils", "util", "helpers", "common", "misc", "manager"}


def test_the_workers_side_is_syntax_of_python_3_8() -> None:
    folders = ("runtimes", "quantizers", "inspection")
    files = [f for folder in folders for f in (ROOT / "verifier" / folder).glob("*.py") if f.stem != "__init__"]
    single = ("worker.py", "workload.py", "calibration.py", "onnxruntime_recipe.py")
    files += [ROOT / "verifier" / name for name in single]
    for file in files:
        ast.parse(file.read_text(), feature_version=(3, 8))
