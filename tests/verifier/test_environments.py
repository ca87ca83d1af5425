"""Environments: exactly the declared versions, locked by digest, reused; what is not to be had accuses nobody."""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from lynxspec.claim import Claim
from lynxspec.errors import UsageError
from verifier.cli import COMMANDS
from verifier.commands import environments as command
from verifier.commands.plan import _facts as write_facts
from verifier.environments import cache
from verifier.environments.interpreter import asked, given, name_of, own
from verifier.environments.lock import Lock, _line, request_key
from verifier.environments.prepare import ACCELERATOR_PACKAGES, Wishes, foreseen, places, prepare, require_known
from verifier.errors import MaterialUnavailable, ToolFailed
from verifier.evidence import EVIDENCE, Evidence
from verifier.host import describe
from verifier.judge import judge
from verifier.opening import open_claim
from verifier.verdict import Verdict

CLAIM = Path(__file__).parents[2] / "examples/g2p-gru/int8.claim.yaml"
HERE = metadata.version("onnxruntime")
EXECUTED = ("accuracy", "criterion", "determinism", "latency", "memory", "precision_executed", "throughput")


@pytest.fixture(scope="module")
def folder_of_caches(tmp_path_factory):
    """One for all tests, since making the pip that resolves takes longer than all of them."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _cache_of_its_own(folder_of_caches, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder_of_caches))
    yield
    cache.remove(cache.everything())
    shutil.rmtree(cache.root() / "requests", ignore_errors=True)


def claim_with(version):
    """The recurrent example, its quantizer and runtime in another version."""
    claim = open_claim(CLAIM).claim
    plain = json.loads(claim.model_dump_json().replace(f'"version":"{HERE}"', f'"version":"{version}"'))
    return Claim.model_validate_json(json.dumps(plain))


def wheel(folder, name="lynxwheel", version="1.0", code="VALUE = 1\n"):
    """A real wheel with one module."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text)}")
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"
    folder.mkdir(exist_ok=True)
    target = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)  # of a fixed time: equal contents are equal bytes
    return target


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of wheels that stands for the package index."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "shelf"))
    return tmp_path / "shelf"


def test_an_interpreter_says_of_itself_what_its_metadata_say():
    found = asked(sys.executable)

    assert found.version("onnxruntime") == HERE
    assert found.version("ONNXRuntime") == HERE
    assert found.version("no-such-package") == ""
    assert own().packages == found.packages


def test_what_is_no_python_is_our_failure_and_no_crash(tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho oops >&2\nexit 3\n")
    broken.chmod(0o755)

    with pytest.raises(ToolFailed, match="oops"):
        asked(broken)
    with pytest.raises(ToolFailed, match="no working Python"):
        asked(tmp_path / "nothing")
    with pytest.raises(UsageError, match="neither a Python"):
        given(tmp_path)


@pytest.mark.parametrize(
    ("requirement", "name"),
    [("onnxruntime==1.30.0", "onnxruntime"), ("ai-edge-litert", "ai-edge-litert"), ("a.b>1", "a.b")],
)
def test_the_name_of_a_requirement(requirement, name):
    assert name_of(requirement) == name


def test_the_declared_version_runs_in_the_verifiers_own_interpreter_if_it_is_there():
    found = prepare(claim_with(HERE), Wishes(offline=True))

    assert {(r.regime, r.role, r.origin, r.status) for r in found.reports} == {
        ("fp32", "runtime", "host", "ok"),
        ("int8", "quantizer", "host", "ok"),
        ("int8", "runtime", "host", "ok"),
    }
    assert set(found.interpreters.values()) == {sys.executable}
    assert f"onnxruntime=={HERE}" in found.reports[0].lock


def test_a_version_that_is_not_to_be_had_is_not_testable_and_refutes_nothing():
    claim = claim_with("0.0.1")
    found = prepare(claim, Wishes(offline=True))

    assert {r.status for r in found.reports} == {"unavailable"}
    assert found.interpreters == {}
    verdicts = judge(claim, evidence(found.reports))
    assert not [v.id for v in verdicts if v.verdict is Verdict.REFUTED]
    executed = [v for v in verdicts if v.kind.value in EXECUTED]
    assert {v.verdict for v in executed} == {Verdict.NOT_TESTABLE}
    assert all("nothing may be fetched" in v.explanation or "other hardware" in v.reason for v in executed), [
        (v.id, v.explanation) for v in executed
    ]


def test_with_the_declared_version_nothing_is_barred_for_its_environment():
    found = prepare(claim_with(HERE), Wishes(offline=True))
    verdicts = judge(claim_with(HERE), evidence(found.reports))

    assert not [v.id for v in verdicts if v.reason in ("cannot_execute", "tool_absent")]


def test_a_substitute_is_taken_on_request_only_and_named():
    claim = claim_with("0.0.1")
    found = prepare(claim, Wishes(offline=True, substitute=True))

    assert {(r.status, r.version) for r in found.reports} == {("ok", HERE)}
    assert all("substituted on request" in r.message for r in found.reports)
    chain = [v for v in judge(claim, evidence(found.reports)) if v.id == "tool_chain/int8"]
    assert chain[0].reason == "tool_absent"
    assert HERE in chain[0].explanation


def test_isolation_builds_what_the_verifiers_own_interpreter_has_too():
    reports = prepare(claim_with(HERE), Wishes(offline=True, isolate=True)).reports

    assert {r.status for r in reports} == {"unavailable"}  # nothing was built before, and nothing may be fetched
    assert "will be installed" in str(places(foreseen(claim_with(HERE), Wishes(isolate=True))))


def test_a_given_interpreter_outranks_the_verifiers_own(tmp_path):
    link = tmp_path / "venv" / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    link.chmod(0o755)
    found = prepare(claim_with(HERE), Wishes(given={"int8": tmp_path / "venv"}, offline=True))

    assert found.interpreters["int8", "runtime"] == str(link)
    assert found.interpreters["fp32", "runtime"] == sys.executable
    assert {r.origin for r in found.reports if r.regime == "int8"} == {"given"}


def test_an_env_that_names_nothing_is_a_mistake_of_the_reader():
    claim = claim_with(HERE)

    require_known(Wishes(given={"int8": Path(), "onnxruntime": Path(), f"onnxruntime=={HERE}": Path()}), [claim])
    with pytest.raises(UsageError, match="int4"):
        require_known(Wishes(given={"int4": Path()}), [claim])


def test_plans_say_where_each_tool_will_run():
    lines = dict(places(foreseen(claim_with("1.30.0"), Wishes())))

    assert lines["quantizer onnxruntime 1.30.0 (int8)"].startswith("will be installed into an environment of its own")
    assert "onnxruntime==1.30.0" in lines["runtime onnxruntime 1.30.0 (fp32, int8)"]
    assert "not to be had" in str(dict(places(foreseen(claim_with("1.30.0"), Wishes(offline=True)))))


def test_a_lock_has_versions_and_digests_and_no_address():
    report = {
        "download_info": {
            "url": "https://files.example/packages/onnx-1.23.2-cp311.whl",
            "archive_info": {"hash": "sha256=ab", "hashes": {"sha256": "ab" * 32}},
        },
        "metadata": {"name": "ONNX_Ir", "version": "1.1.0"},
    }

    assert _line(report) == f"onnx-ir==1.1.0 --hash=sha256:{'ab' * 32}"
    with pytest.raises(MaterialUnavailable, match="no SHA-256"):
        _line({**report, "download_info": {"url": "https://files.example/x.whl", "archive_info": {}}})


def test_a_resolution_belongs_to_requirements_and_interpreter():
    assert request_key(["a", "b"], "3.11.7") == request_key(["b", "a"], "3.11.2")
    assert request_key(["a"], "3.11.7") != request_key(["a"], "3.12.0")
    assert request_key(["a==1"], "3.11.7") != request_key(["a==2"], "3.11.7")


def test_an_environment_is_built_from_its_lock_reused_without_the_shelf_and_deleted(shelf, capsys):
    wheel(shelf)
    built = cache.make(("lynxwheel==1.0",))

    code = "import lynxwheel; print(lynxwheel.VALUE)"
    done = subprocess.run([built.interpreter, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    assert asked(built.interpreter).packages == {"lynxwheel": "1.0"}
    digest = hashlib.sha256((shelf / "lynxwheel-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    assert built.lock.lines == (f"lynxwheel==1.0 --hash=sha256:{digest}",)

    wheel(shelf, code="VALUE = 2\n")  # the same version with other contents, put where it is looked for
    assert cache.make(("lynxwheel==1.0",)).folder == built.folder
    (built.folder / "complete").unlink()  # a build that was killed: the lock still names the old file
    with pytest.raises(MaterialUnavailable, match=r"(?i)hash"):
        cache.make(("lynxwheel==1.0",))

    wheel(shelf)
    assert cache.make(("lynxwheel==1.0",)).lock == built.lock
    assert listed(capsys).startswith(f"{built.lock.sha256[:12]} ")
    assert deleted("--remove", built.lock.sha256[:12]) == 0
    assert cache.everything() == ()
    assert not built.folder.exists()


def test_a_version_that_the_index_lacks_is_told_in_pips_words(shelf):
    wheel(shelf)

    with pytest.raises(MaterialUnavailable, match=r"lynxwheel==7\.0"):
        cache.make(("lynxwheel==7.0",))


def test_a_build_for_accelerators_is_refused_for_a_claim_on_a_processor(shelf):
    wheel(shelf, name="nvidia_things")
    requirements = ("nvidia-things==1.0",)

    with pytest.raises(MaterialUnavailable, match="accelerators"):
        cache.make(requirements, refused=ACCELERATOR_PACKAGES)
    with pytest.raises(MaterialUnavailable, match="accelerators"):  # nor from a resolution that is known
        cache.make(requirements, refused=ACCELERATOR_PACKAGES)
    assert cache.everything() == ()
    assert cache.make(requirements).lock.packages == {"nvidia-things": "1.0"}


def test_environments_that_were_used_lately_are_kept(shelf):
    wheel(shelf)
    cache.make(("lynxwheel==1.0",))

    deleted("--unused", "1")
    assert len(cache.everything()) == 1
    deleted("--unused", "0")
    assert cache.everything() == ()


def test_a_digest_that_names_no_environment_is_a_mistake(shelf):
    wheel(shelf)
    cache.make(("lynxwheel==1.0",))

    for start in ("abc", "zzzzzz", "0000000"):
        with pytest.raises(UsageError):
            deleted("--remove", start)


def test_the_digest_of_a_lock_is_that_of_its_file():
    lock = Lock(lines=("a==1 --hash=sha256:00", "b==2 --hash=sha256:11"))

    assert lock.sha256 == hashlib.sha256(b"a==1 --hash=sha256:00\nb==2 --hash=sha256:11\n").hexdigest()
    assert lock.packages == {"a": "1", "b": "2"}


def evidence(reports):
    """Nothing but the host and its environments."""
    return Evidence(
        format=EVIDENCE,
        claim_sha256="0" * 64,
        host=describe(),
        materials=(),
        quantizations=(),
        ledgers=(),
        weight_errors=(),
        comparisons=(),
        scores=(),
        sustain=None,
        failures=(),
        environments=reports,
    )


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    command.configure(parser)
    return parser.parse_args(arguments)


def deleted(*arguments):
    return command.run(parsed(*arguments))


def listed(capsys):
    capsys.readouterr()
    assert command.run(parsed()) == 0
    return capsys.readouterr().out


def test_the_command_is_there():
    assert "environments" in {entry.name for entry in COMMANDS}


@pytest.mark.parametrize(
    ("name", "told"),
    [("6-tool-without-calibrator", "tensorrt"), ("1-no-calibration", "")],
    ids=["a tool that cannot", "none"],
)
def test_plans_tell_what_is_known_of_the_declared_tools(name, told):
    text = io.StringIO()
    write_facts(open_claim(CLAIM.parents[1] / f"claims/incomplete/{name}.claim.yaml"), text)

    assert told in text.getvalue().casefold()
    assert bool(told) == text.getvalue().startswith("Known of these tools:")


def test_a_quantizer_of_an_accelerators_maker_is_no_build_for_accelerators(shelf):
    wheel(shelf, name="nvidia_modelopt")
    built = cache.make(("nvidia-modelopt==1.0",), refused=ACCELERATOR_PACKAGES)
    assert built.lock.packages == {"nvidia-modelopt": "1.0"}
