"""`lynxspec init`, `schema` and `--version`, and the hook that other repositories use."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from lynxspec.cli import COMMANDS, run
from lynxspec.cli.targets import CLAIMS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", ["claim", "recipe", "need"])
def test_init_writes_a_template_and_never_over_a_file(kind, tmp_path, capfd):
    assert run(COMMANDS, ["init", kind]) == 0
    shown = capfd.readouterr().out
    file = tmp_path / f"new.{kind}.yaml"
    assert run(COMMANDS, ["init", kind, "-o", str(file)]) == 0
    assert file.read_text() == shown
    assert YAML(typ="safe").load(shown)["kind"] == kind
    file.write_text("mine")
    assert run(COMMANDS, ["init", kind, "-o", str(file)]) == 2
    assert file.read_text() == "mine"


def test_a_template_that_is_not_filled_in_is_no_claim(tmp_path, capfd):
    file = tmp_path / "new.claim.yaml"
    assert run(COMMANDS, ["init", "claim", "-o", str(file)]) == 0
    assert run(COMMANDS, ["lint", str(file)]) == 2
    assert f"{file}:" in capfd.readouterr().err


def test_schema_writes_all_schemas_and_check_tells_an_altered_one(tmp_path, capfd):
    assert run(COMMANDS, ["schema", "--out", str(tmp_path)]) == 0
    written = [Path(line) for line in capfd.readouterr().out.splitlines()]
    assert sorted(written) == sorted(tmp_path.iterdir())
    assert tmp_path / "claim-1.schema.json" in written
    assert run(COMMANDS, ["schema", "--out", str(tmp_path), "--check"]) == 0
    (tmp_path / "claim-1.schema.json").write_text("{}\n")
    assert run(COMMANDS, ["schema", "--out", str(tmp_path), "--check"]) == 1
    assert "claim-1.schema.json: not current" in capfd.readouterr().err
    assert (tmp_path / "claim-1.schema.json").read_text() == "{}\n"
    (tmp_path / "claim-1.schema.json").unlink()
    assert run(COMMANDS, ["schema", "--out", str(tmp_path), "--check"]) == 1


def test_schema_prints_one_by_name_and_lists_them_all(capfd):
    assert run(COMMANDS, ["schema", "claim"]) == 0
    schema = json.loads(capfd.readouterr().out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert run(COMMANDS, ["schema"]) == 0
    assert schema["$id"] in capfd.readouterr().out
    assert run(COMMANDS, ["schema", "clam"]) == 2
    assert run(COMMANDS, ["schema", "claim", "--check"]) == 2


def test_the_version_is_that_of_the_distribution(capfd):
    assert run(COMMANDS, ["--version"]) == 0
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert capfd.readouterr().out == f"lynxspec {declared}\n"


def test_help_lists_every_command_and_every_command_has_help(capfd):
    assert run(COMMANDS, ["--help"]) == 0
    shown = capfd.readouterr().out
    for command in COMMANDS:
        assert f"  {command.name} " in shown
        with pytest.raises(SystemExit, match=r"^0$"):
            run(COMMANDS, [command.name, "--help"])
        assert f"usage: lynxspec {command.name}" in capfd.readouterr().out


def test_without_a_command_the_help_is_shown_and_nothing_passed(capfd):
    assert run(COMMANDS, []) == 2
    assert "usage: lynxspec" in capfd.readouterr().out


def test_a_defect_of_ours_is_exit_4_and_no_traceback():
    script = """
import sys
from lynxspec.cli import Command, run
sys.exit(run((Command(name="x", summary="", module="lynxspec.location", group=""),), ["x"]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr.startswith("error: internal failure: AttributeError")
    assert "Traceback" not in done.stderr


def test_the_hook_takes_the_files_that_a_folder_would_give():
    (hook,) = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text())
    for end in CLAIMS:
        assert re.search(hook["files"], f"models/a{end}")
    assert not re.search(hook["files"], "models/a.yaml")
    assert hook["entry"].split()[:2] == ["lynxspec", "lint"]
