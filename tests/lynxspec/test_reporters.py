"""What each output format says of the same run, held against its standard and against hostile words."""

import json
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import pytest

from lynxspec.errors import HostileInput, InvalidDocument
from lynxspec.importers.importer import load as read
from lynxspec.lint.engine import rules
from lynxspec.lint.rule import Confidence, Effect, Finding, Severity
from lynxspec.location import Location, Span, Violation
from lynxspec.report import LintReport
from lynxspec.reporters import reporter
from lynxspec.reporters.reporter import Failure, LintedDocument, LintRun, View, questions
from lynxspec.scoring import score
from lynxspec.vocabulary import Component, Status

COMPLETE = Path(__file__).parents[1] / "data" / "complete.claim.yaml"
NASTY = "100% of a, b: see\nhttps://x.example @all | `c` <b>*d*</b> \x1b[31m\u202e"
"""Words that a claim could make a message of."""


def finding(**changes):
    first = Location(source="a b/ü.claim.yaml", span=Span(line=7, column=3, end_line=7, end_column=9), path=("load",))
    values = {
        "code": "LXS114",
        "rule": "acceptance-criterion",
        "severity": Severity.ERROR,
        "confidence": Confidence.CERTAIN,
        "message": "acceptance criterion is missing",
        "remedy": "State it.",
        "component": Component.ACCEPTANCE_CRITERION,
        "locations": (first,),
        "regime": None,
        "effect": Effect.CONTRADICTS,
    }
    return Finding(**(values | changes))


def a_run(*findings, failures=()):
    draft = read(COMPLETE)
    document = LintedDocument(draft=draft, findings=findings, scorecard=score(draft, findings))
    return LintRun(documents=(document,), failures=failures, rules=rules(), profile="buyer")


def show(name, run, **view):
    return reporter.load(name).render(run, View(**view))


def broken():
    places = [Location(source="x.claim.yaml", span=Span(line=line, column=5)) for line in (3, 9)]
    violations = (
        Violation(location=places[0], message="`famly` is no key here", suggestion="did you mean `family`?"),
        Violation(location=places[1], message="0 is less than 1"),
    )
    return Failure(source="x.claim.yaml", error=InvalidDocument("x.claim.yaml: two violations", violations))


# every format


def test_every_file_of_the_folder_is_a_format_under_its_own_name():
    assert set(reporter.formats()) == {"text", "json", "sarif", "github", "markdown", "questions", "html"}
    for name in reporter.formats():
        assert reporter.load(name).name == name
        assert import_module(f"lynxspec.reporters.{name}").REPORTER.summary


@pytest.mark.parametrize("name", reporter.formats())
def test_no_format_passes_on_characters_that_act_instead_of_showing(name):
    shown = show(name, a_run(finding(message=NASTY, remedy=NASTY, ignored=None)))
    text = json.dumps(json.loads(shown)) if name in {"json", "sarif"} else shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


@pytest.mark.parametrize("name", ["text", "json", "sarif", "markdown", "github", "html"])
def test_an_ignored_finding_is_listed_with_its_reason(name):
    assert "agreed by contract" in show(name, a_run(finding(ignored="agreed by contract")))


def test_an_ignored_finding_raises_no_question():
    assert show("questions", a_run(finding(ignored="agreed by contract"))) == ""


def test_an_ignored_finding_is_a_notice_and_no_error_on_github():
    assert show("github", a_run(finding(ignored="agreed by contract"))).startswith("::notice ")


# text


def test_the_text_gives_place_code_severity_message_and_remedy():
    lines = show("text", a_run(finding())).splitlines()
    at = lines.index("  a b/ü.claim.yaml:7:3 LXS114 error acceptance criterion is missing")
    assert lines[at + 1].split() == ["->", "State", "it."]


def test_the_text_names_the_denominator_the_gates_and_every_component():
    text = show("text", a_run(finding()))
    assert "95 of 100 points" in text  # 100 less the weight 5 of one required component
    assert re.search(r"Complete +NO, contradicted: acceptance criterion", text)
    assert re.search(r"Deployment grade +NO, contradicted: acceptance criterion", text)
    for component in Component:
        assert component.value.replace("_", " ") in text


def test_no_line_of_the_text_is_wider_than_100_columns():
    text = show("text", a_run(finding(message="a word " * 60, remedy="words " * 60)))
    assert max(map(len, text.splitlines())) <= 100


def test_a_long_place_stays_in_one_piece():
    place = Location(source="claims/of-a-vendor/" * 8 + "x-y.claim.yaml", span=Span(line=7, column=3))
    assert f"  {place.source}:7:3\n" in show("text", a_run(finding(locations=(place,))))


def test_the_text_colours_the_severity_and_nothing_else():
    plain, coloured = show("text", a_run(finding())), show("text", a_run(finding()), colour=True)
    assert "\x1b" not in plain
    assert re.findall("\x1b\\[[0-9;]*m[^\x1b]*\x1b\\[0m", coloured) == ["\x1b[31merror\x1b[0m"]
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain


def test_a_doubtful_finding_says_so():
    assert "LXS114 warning (possible) " in show(
        "text", a_run(finding(severity=Severity.WARNING, confidence=Confidence.POSSIBLE))
    )


# questions


def test_two_findings_of_one_rule_are_one_question_and_errors_come_first():
    later = finding(code="LXS106", rule="calibration-method", severity=Severity.WARNING)
    asked = questions(a_run(later, finding(), finding()).documents[0], rules())
    assert [len(question.findings) for question in asked[:2]] == [2, 1]
    assert [question.findings[0].code for question in asked[:2]] == ["LXS114", "LXS106"]


def test_an_open_required_component_that_no_finding_asks_about_is_asked_for():
    document = a_run().documents[0]
    disclosures = dict(document.scorecard.disclosures)
    gone = replace(disclosures[Component.GRANULARITY], status=Status.MISSING, note="")
    card = replace(document.scorecard, disclosures=disclosures | {Component.GRANULARITY: gone})
    asked = questions(replace(document, scorecard=card), rules())
    assert [question.text for question in asked] == ["Please disclose the granularity in full."]


def test_a_complete_claim_leaves_nothing_to_ask():
    assert show("questions", a_run()) == ""


# json: the contract of the report's models


@pytest.mark.parametrize("findings", [(), (finding(),), (finding(message=NASTY, regime="int8", ignored="why not"),)])
def test_the_json_is_what_the_report_models_describe(findings):
    shown = show("json", a_run(*findings))
    report = LintReport.model_validate_json(shown)
    assert report.format == "lynxspec-lint/1"
    jsonschema.validate(json.loads(shown), LintReport.model_json_schema())


def test_the_json_names_the_claim_and_scores_its_regimes_apart():
    document = json.loads(show("json", a_run(finding(regime="int8"))))["documents"][0]
    assert document["path"] == str(COMPLETE)
    assert document["kind"] == "claim"
    assert document["complete"] is False
    (claim,) = document["claims"]
    assert claim["name"] == "mobilenetv2-mnist-int8"
    reference, quantized = claim["regimes"]
    assert (reference["name"], quantized["name"]) == ("fp32", "int8")
    assert quantized["score"] == document["score"] == 95
    assert reference["findings"] == []
    assert [found["rule"] for found in quantized["findings"]] == ["LXS114"]
    assert quantized["disclosures"]["acceptance_criterion"]["status"] == "contradicted"


# SARIF 2.1.0, by clause of the standard


def sarif(*findings, failures=()):
    log = json.loads(show("sarif", a_run(*findings, failures=failures)))
    assert log["version"] == "2.1.0"  # 3.13.2
    (only,) = log["runs"]
    return only


def test_each_result_points_at_its_rule():  # 3.27.5, 3.27.6
    run = sarif(finding(), finding(code="LXS106", rule="calibration-method"))
    listed = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert listed[result["ruleIndex"]]["id"] == result["ruleId"]
    identifiers = [rule["id"] for rule in listed]
    assert len(set(identifiers)) == len(identifiers)  # 3.19.23


def test_each_rule_brings_its_documentation():  # 3.49.9, 3.49.10, 3.49.13
    for rule in sarif()["tool"]["driver"]["rules"]:
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]
        assert "## What it checks" in rule["help"]["markdown"]
        assert rule["help"]["text"]  # 3.12.3: text is there whenever markdown is


@pytest.mark.parametrize(
    ("severity", "level"), [(Severity.INFO, "note"), (Severity.WARNING, "warning"), (Severity.ERROR, "error")]
)
def test_severities_become_levels_of_failed_results(severity, level):  # 3.27.9: another kind would force level none
    (result,) = sarif(finding(severity=severity))["results"]
    assert (result["kind"], result["level"]) == ("fail", level)


def test_the_end_column_lies_one_behind_the_last_character():  # 3.30.8
    (result,) = sarif(finding())["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 7, "startColumn": 3, "endLine": 7, "endColumn": 10}


def test_a_path_becomes_a_uri_reference():  # 3.4.3, RFC 3986
    (result,) = sarif(finding())["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b/%C3%BC.claim.yaml"
    rooted = Location(source="/tmp/c:d.yaml", span=Span(line=1))
    (result,) = sarif(finding(locations=(rooted,)))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert (urlsplit(uri).scheme, urlsplit(uri).path) == ("file", "/tmp/c%3Ad.yaml")


def test_further_places_are_related_locations_with_numbers():  # 3.27.12, 3.27.22, 3.28.2
    places = tuple(Location(source="x", span=Span(line=n, column=1), path=("a", n)) for n in (1, 2, 3))
    (result,) = sarif(finding(locations=places))["results"]
    assert len(result["locations"]) == 1
    assert [place["id"] for place in result["relatedLocations"]] == [1, 2]
    assert result["relatedLocations"][1]["logicalLocations"][0]["fullyQualifiedName"] == "a[3]"


def test_an_honoured_ignore_is_a_suppression_in_the_source():  # 3.27.23, 3.35
    (kept, ignored) = sarif(finding(), finding(ignored="agreed by contract"))["results"]
    assert kept["suppressions"] == []  # empty, not absent: the other result has some
    assert ignored["suppressions"] == [
        {"kind": "inSource", "status": "accepted", "justification": "agreed by contract"}
    ]


def test_an_unread_file_makes_the_invocation_unsuccessful():  # 3.20.14, 3.20.21
    hostile = Failure(source="h.claim.yaml", error=HostileInput("h.claim.yaml: too deep"))
    (invocation,) = sarif(failures=(broken(), hostile))["invocations"]
    assert invocation["executionSuccessful"] is False
    notices = invocation["toolExecutionNotifications"]
    assert [n["message"]["text"] for n in notices] == [
        "`famly` is no key here; did you mean `family`?",
        "0 is less than 1",
        "h.claim.yaml: too deep",
    ]
    assert notices[0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 5}
    assert sarif()["invocations"][0]["executionSuccessful"] is True


def test_a_fingerprint_survives_a_shift_of_lines_and_tells_findings_apart():  # 3.27.17
    def fingerprint(line, path):
        place = Location(source="x", span=Span(line=line), path=path)
        (result,) = sarif(finding(locations=(place,)))["results"]
        return result["partialFingerprints"]["lynxspec/v1"]

    assert fingerprint(1, ("a",)) == fingerprint(9, ("a",))
    assert fingerprint(1, ("a",)) != fingerprint(1, ("b",))


# GitHub's workflow commands


def test_an_annotation_escapes_what_would_end_it():
    shown = show("github", a_run(finding(message=NASTY, remedy="")))
    head, _, text = shown.removeprefix("::error ").partition("::")
    assert head == "file=a b/ü.claim.yaml,line=7,endLine=7,col=3,endColumn=9,title=LXS114 acceptance-criterion"
    assert text.startswith("100%25 of a, b: see%0Ahttps://x.example")
    assert shown.count("\n") == 1


def test_a_file_name_cannot_add_properties_to_an_annotation():
    place = Location(source="a,line=1::b%.yaml", span=Span(line=2, column=1))
    assert "file=a%2Cline=1%3A%3Ab%25.yaml,line=2," in show("github", a_run(finding(locations=(place,))))


def test_an_annotation_over_several_lines_names_no_columns():
    place = Location(source="x", span=Span(line=2, column=5, end_line=4, end_column=1))
    assert show("github", a_run(finding(locations=(place,)))).startswith("::error file=x,line=2,endLine=4,title=")


@pytest.mark.parametrize(
    ("severity", "command"), [(Severity.INFO, "notice"), (Severity.WARNING, "warning"), (Severity.ERROR, "error")]
)
def test_severities_become_commands(severity, command):
    assert show("github", a_run(finding(severity=severity))).startswith(f"::{command} ")


def test_every_violation_of_an_unread_file_is_annotated():
    lines = show("github", a_run(failures=(broken(),))).splitlines()
    assert [re.findall("line=[0-9]+", line)[0] for line in lines] == ["line=3", "line=9"]
    assert "did you mean `family`?" in lines[0]


# Markdown


def test_words_of_the_claim_stay_words_in_markdown():
    shown = show("markdown", a_run(finding(message=NASTY, remedy="")))
    row = next(line for line in shown.splitlines() if "LXS114" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 6  # five cells
    assert r"\<b\>\*d\*\</b\>" in row
    assert "@all" not in row
    assert "https://" not in row


def test_the_markdown_tables_name_every_component_once():
    table = show("markdown", a_run()).split("### Disclosure")[1].split("No findings")[0]
    names = re.findall(r"^\| \**([a-z ]+?)\** \|", table, flags=re.MULTILINE)
    assert names == ["component", *(component.value.replace("_", " ") for component in Component)]


def test_what_gave_no_result_stands_in_the_ticket():
    assert "## No result" in show("markdown", a_run(failures=(broken(),)))
