"""`lynxspec lint` as it is called: which files it takes, what it prints where, and the exit codes of design."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lynxspec.cli import COMMANDS, run
from lynxspec.cli.lint import Output, exit_code, pair
from lynxspec.cli.targets import targets
from lynxspec.errors import RuleFailed, UnreadableInput, UsageError
from lynxspec.reporters.reporter import Failure, LintRun

COMPLETE = Path(__file__).parents[1] / "data" / "complete.claim.yaml"
CRITERION = "  criterion: {metric: top1, reference: fp32, margin: 1 points}\n"


@pytest.fixture(autouse=True)
def claims(tmp_path, monkeypatch):
    """A folder with a complete claim, one without acceptance criterion, and one that breaks its schema."""
    monkeypatch.chdir(tmp_path)
    text = COMPLETE.read_text()
    assert CRITERION in text
    (tmp_path / "good.claim.yaml").write_text(text)
    (tmp_path / "open.claim.yaml").write_text(text.replace(CRITERION, "  criterion: {unknown: nobody set one}\n"))
    broken = text.replace("  family: convolutional\n", "  famly: convolutional\n", 1).replace(
        "count: 1\n", "count: 0\n"
    )
    (tmp_path / "broken.claim.yaml").write_text(broken)
    return tmp_path


def lint(*arguments):
    return run(COMMANDS, ["lint", *arguments])


def test_a_complete_claim_exits_0_and_its_grade_is_on_stdout(capfd):
    assert lint("good.claim.yaml") == 0
    out, err = capfd.readouterr()
    assert "Grade A" in out
    assert "100 of 100 points" in out
    assert re.fullmatch("1 document: (no findings|[0-9]+ info)\n", err)


def test_a_missing_criterion_exits_1_and_names_place_remedy_and_question(capfd):
    assert lint("open.claim.yaml") == 1
    out = capfd.readouterr().out
    line = 1 + COMPLETE.read_text().split(CRITERION)[0].count("\n")
    assert f"open.claim.yaml:{line}:" in out
    assert "acceptance criterion" in out.split("Missing (1)")[1].split("Disclosed")[0]
    assert "->" in out.split("Findings")[1]
    assert "1. " in out.split("Questions for Example Vision GmbH")[1]


def test_an_invalid_claim_exits_2_with_every_violation_at_its_place(capfd):
    assert lint("broken.claim.yaml") == 2
    out, err = capfd.readouterr()
    assert out == ""
    lines = Path("broken.claim.yaml").read_text().splitlines()
    family = 1 + lines.index("  famly: convolutional")
    count = 1 + lines.index("  count: 0")
    assert f"broken.claim.yaml:{family}:3: " in err
    assert f"broken.claim.yaml:{count}:10: " in err


@pytest.mark.parametrize(
    ("files", "code"),
    [
        (["good.claim.yaml", "open.claim.yaml"], 1),
        (["broken.claim.yaml", "open.claim.yaml", "good.claim.yaml"], 2),
        (["good.claim.yaml", "nowhere.claim.yaml"], 2),
    ],
)
def test_the_worst_file_decides_and_the_others_are_still_reported(capfd, files, code):
    assert lint("--format", "json", *files) == code
    reported = [document["path"] for document in json.loads(capfd.readouterr().out)["documents"]]
    assert reported == [name for name in files if name in {"good.claim.yaml", "open.claim.yaml"}]


@pytest.mark.parametrize(("fail_on", "code"), [("error", 1), ("warning", 1), ("info", 1), ("never", 0)])
def test_fail_on_sets_what_counts_and_never_hides_nothing(capfd, fail_on, code):
    assert lint("--fail-on", fail_on, "open.claim.yaml") == code
    assert "Findings (" in capfd.readouterr().out


def test_never_failing_on_findings_does_not_make_an_unread_file_pass():
    assert lint("--fail-on", "never", "broken.claim.yaml") == 2


def test_a_rule_that_could_not_run_is_exit_4_whatever_else_was_found():
    unread = Failure(source="a", error=UnreadableInput("a: gone"))
    failed = Failure(source="b", error=RuleFailed("rule LXS101 failed on b"))
    result = LintRun(documents=(), failures=(unread, failed), rules=(), profile="buyer")
    assert exit_code(result, "never") == 4


def test_a_folder_means_the_claims_below_it(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    for name in ("deep/er/a.claim.yml", "deep/b.claim.json", "deep/notes.yaml", ".hidden/c.claim.yaml"):
        (tmp_path / name).touch()
    assert targets(["deep", "deep/b.claim.json"]) == ("deep/b.claim.json", "deep/er/a.claim.yml")
    assert ".hidden/c.claim.yaml" not in targets(["."])


def test_a_pattern_means_the_files_that_it_matches():
    assert targets(["g*.claim.yaml"]) == ("good.claim.yaml",)
    assert targets(["**/*.claim.yaml"]) == ("broken.claim.yaml", "good.claim.yaml", "open.claim.yaml")


@pytest.mark.parametrize("word", ["empty", "*.claim.toml", "nowhere.claim.yaml"])
def test_linting_nothing_is_an_error_and_not_a_pass(capfd, word):
    Path("empty").mkdir()
    assert isinstance(targets([word])[0], UnreadableInput)
    assert lint(word) == 2
    assert capfd.readouterr().err.startswith(f"error: {word}: ")


@pytest.mark.parametrize("name", ["sheet.md", "sheet.html", "sheet.rst", "sheet.csv", "sheet.txt"])
def test_a_spec_sheet_is_read_and_its_gaps_are_findings(capfd, name):
    Path(name).write_text("INT8, 2x faster")
    assert lint(name) == 1
    assert "calibration data is missing" in " ".join(capfd.readouterr().out.split())


def test_a_text_that_calls_itself_a_pdf_is_refused(capfd):
    Path("sheet.PDF").write_text("INT8, 2x faster")
    assert lint("sheet.PDF") == 2
    assert "sheet.PDF: " in capfd.readouterr().err


def test_a_file_of_no_known_kind_is_refused(capfd):
    Path("model.onnx").write_bytes(b"\x08\x07")
    assert lint("model.onnx") == 2
    assert "of no kind that is known here" in capfd.readouterr().err


def test_a_document_that_is_not_utf_8_is_an_error_and_no_crash(capfd):
    Path("bad.claim.yaml").write_bytes(b"kind: \xff\xfe\x00claim")
    assert lint("bad.claim.yaml") == 2
    assert capfd.readouterr().err.startswith("error: ")


def test_a_claim_is_read_from_standard_input_under_the_name_that_is_given():
    call = [sys.executable, "-c", "from lynxspec.cli import app; app()", "lint", "-", "--format", "github"]
    text = Path("open.claim.yaml").read_bytes()
    done = subprocess.run([*call, "--stdin-filename", "a/b.claim.yaml"], input=text, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"file=a/b.claim.yaml," in done.stdout
    done = subprocess.run(call, input=text, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"file=-," in done.stdout


def test_several_formats_are_written_at_once_each_to_its_file(capfd):
    code = lint("--format", "sarif", "--output", "a.sarif", "--format", "json", "-o", "a.json", "open.claim.yaml")
    assert code == 1
    assert json.loads(Path("a.sarif").read_text())["version"] == "2.1.0"
    assert json.loads(Path("a.json").read_text())["format"] == "lynxspec-lint/1"
    assert capfd.readouterr().out == ""


def test_an_output_belongs_to_the_format_next_to_it():
    assert pair([]) == (Output(format="text", file=None),)
    assert pair([("--output", "a")]) == (Output(format="text", file="a"),)
    assert pair([("--output", "a"), ("--format", "json")]) == (Output(format="json", file="a"),)
    options = [("--format", "text"), ("--format", "sarif"), ("--output", "a")]
    assert pair(options) == (Output(format="text", file=None), Output(format="sarif", file="a"))


@pytest.mark.parametrize(
    "options",
    [
        [("--format", "text"), ("--format", "json")],
        [("--output", "a"), ("--output", "b")],
        [("--format", "json"), ("--output", "a"), ("--output", "b")],
        [("--format", "json"), ("--output", "a"), ("--format", "text"), ("--output", "a")],
        [("--format", "yaml")],
    ],
)
def test_formats_and_files_that_do_not_pair_up_are_a_usage_error(options):
    with pytest.raises(UsageError):
        pair(options)


def test_an_html_report_is_one_file(capfd):
    assert lint("--format", "html", "--output", "report.html", "good.claim.yaml") == 0
    assert Path("report.html").read_text().startswith("<!DOCTYPE html>")
    assert capfd.readouterr().out == ""


def test_a_file_that_cannot_be_written_is_a_usage_error(capfd):
    assert lint("--format", "json", "--output", "no/such/folder/a.json", "good.claim.yaml") == 2
    assert "no/such/folder/a.json" in capfd.readouterr().err


def test_quiet_prints_the_findings_alone(capfd):
    assert lint("--quiet", "open.claim.yaml") == 1
    out, err = capfd.readouterr()
    assert all(line.startswith(("open.claim.yaml:", "    ")) for line in out.splitlines())
    assert " error " in out
    assert err == ""


def test_only_the_vendor_profile_honours_an_ignore_in_the_vendors_file(capfd):
    text = Path("open.claim.yaml").read_text()
    mark = "  criterion: {unknown: nobody set one}\n"
    Path("open.claim.yaml").write_text(
        text.replace(mark, f"  # lynxspec: ignore[acceptance-criterion] agreed by contract\n{mark}")
    )
    assert lint("--profile", "vendor", "open.claim.yaml") == 0
    assert "agreed by contract" in capfd.readouterr().out.split("Ignored (1)")[1]
    assert lint("open.claim.yaml") == 1
    assert lint("--profile", "auditor", "open.claim.yaml") == 1


def test_no_colour_code_is_written_to_a_file_or_pipe(capfd):
    assert lint("open.claim.yaml") == 1
    assert "\x1b" not in capfd.readouterr().out


def test_on_a_terminal_severities_are_coloured_unless_no_color_is_set():
    script = shutil.which("script")
    if script is None:
        pytest.skip("util-linux `script` makes the terminal of this test")
    call = f"{sys.executable} -c 'from lynxspec.cli import app; app()' lint open.claim.yaml"
    for prefix, coloured in (("env -u NO_COLOR TERM=xterm ", True), ("env NO_COLOR=1 TERM=xterm ", False)):
        shown = subprocess.run([script, "-qec", prefix + call, "/dev/null"], capture_output=True, check=False).stdout
        assert b"acceptance criterion" in shown
        assert (b"\x1b[31merror\x1b[0m" in shown) is coloured


def test_words_of_the_claim_cannot_move_the_cursor_of_the_reader(capfd):
    text = COMPLETE.read_text().replace("title: MobileNetV2", 'title: "\\e[2J\\e[1;1HGrade A\\u202e MobileNetV2', 1)
    Path("evil.claim.yaml").write_text(text.replace("one point of accuracy\n", 'one point of accuracy"\n', 1))
    lint("evil.claim.yaml")
    out, err = capfd.readouterr()
    assert "\\x1b[2J\\x1b[1;1HGrade A\\u202e" in out + err
    assert "\x1b" not in out + err
    assert "\u202e" not in out + err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lnt"], "did you mean `lint`?"),
        (["lint"], "PATH"),
        (["lint", "--fail-on", "sometimes", "x"], "sometimes"),
        (["lint", "--nonsense", "x"], "--nonsense"),
        (["explain"], "--list"),
        (["explain", "acceptance-criterium"], "acceptance-criterion"),
    ],
)
def test_a_wrong_call_exits_2_and_says_what_was_meant(capfd, words, said):
    try:
        code = run(COMMANDS, words)
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert said in capfd.readouterr().err


def test_every_rule_can_be_explained_by_code_and_by_name(capfd):
    assert run(COMMANDS, ["explain", "--list", "--format", "json"]) == 0
    listed = json.loads(capfd.readouterr().out)
    assert len(listed) > 20
    for rule in listed:
        assert rule["documentation"]
        assert run(COMMANDS, ["explain", rule["code"].lower()]) == 0
        by_code = capfd.readouterr().out
        assert run(COMMANDS, ["explain", rule["name"]]) == 0
        assert capfd.readouterr().out == by_code
        assert rule["summary"] in by_code


def test_a_closed_pipe_ends_quietly():
    call = f"{sys.executable} -c 'from lynxspec.cli import app; app()' lint open.claim.yaml | true"
    done = subprocess.run(["bash", "-c", call], capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr
