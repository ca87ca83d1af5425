"""What `lynxspec lint` loads: it starts fast, and no runtime is near when claims are only read."""

import json
import subprocess
import sys
from pathlib import Path

CLAIM = Path(__file__).parent / "data" / "complete.claim.yaml"
HEAVY = {"torch", "onnxruntime", "weasyprint", "numpy", "typer"}

WATCH = """
import json, sys
from verifier.cli import app
sys.argv = ["lynxspec", *sys.argv[1:]]
try:
    app()
except SystemExit as end:
    code = end.code
sys.stdout.flush()
print("\\n" + json.dumps({"code": code, "modules": sorted(sys.modules)}))
"""


def loaded_by(*arguments, script=WATCH):
    """Exit code and modules of a whole process."""
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    last = json.loads(done.stdout.splitlines()[-1])
    return last["code"], set(last["modules"])


def forbidden(modules):
    """Those that reading a claim must not load."""
    packages = {name.partition(".")[0] for name in modules}
    foreign = {m for m in modules if m.startswith("verifier") and m not in {"verifier", "verifier.cli"}}
    return (packages & HEAVY) | foreign


def test_lint_loads_no_runtime_and_nothing_of_the_verifier_but_its_command_line():
    code, modules = loaded_by("lint", str(CLAIM))
    assert code == 0
    assert "lynxspec.lint.engine" in modules
    assert forbidden(modules) == set()


def test_the_check_notices_a_heavy_import_and_a_stage_of_the_verifier():
    script = WATCH.replace("import json, sys", "import json, sys, numpy, verifier.verdict")
    _, modules = loaded_by("lint", str(CLAIM), script=script)
    assert forbidden(modules) == {"numpy", "verifier.verdict"}


def test_the_help_page_loads_not_even_the_claim_models():
    _, modules = loaded_by("--help")
    assert "pydantic" not in modules
    assert forbidden(modules) == set()


def test_importing_the_package_loads_nothing_until_a_name_is_used():
    script = """
import json, sys
import lynxspec
before = [m for m in sys.modules if m.startswith(("lynxspec.", "pydantic"))]
lynxspec.Claim
print(json.dumps({"code": before, "modules": sorted(sys.modules)}))
"""
    before, after = loaded_by(script=script)
    assert before == []
    assert "lynxspec.claim" in after
