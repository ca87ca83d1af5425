"""Schemas are current, say the same as the models, and templates fit them."""

# ruff: noqa: E501 - tables of cases are read in columns

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from lynxspec import templates
from lynxspec.claim import Claim, Recipe
from lynxspec.document import read
from lynxspec.report import LintReport
from lynxspec.schema import PUBLISHED, Published, draft_07, field_docs, files, generate, shipped, write
from lynxspec.validation import validate

ROOT = Path(__file__).parent.parent.parent
CLAIM = ROOT / "tests" / "data" / "complete.claim.yaml"


def test_the_committed_schemas_are_current() -> None:
    for name, text in files().items():
        assert (ROOT / "schemas" / name).read_text("utf-8") == text, f"run: lynxspec schema --out schemas ({name})"


def test_writing_gives_the_shipped_bytes(tmp_path: Path) -> None:
    for path in write(tmp_path / "new"):
        assert path.read_text("utf-8") == shipped(path.name)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published.name)
def test_schemas_are_valid_and_have_their_identity(published: Published) -> None:
    new, old = generate(published), draft_07(published)
    Draft202012Validator.check_schema(new)
    Draft7Validator.check_schema(old)
    assert new["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert old["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert new["$id"] == f"https://lynxspec.org/schemas/1.0/{published.name}.schema.json"
    assert old["$id"] == f"https://lynxspec.org/schemas/1.0/{published.name}.schema.draft-07.json"
    assert new["title"] == published.title
    assert not re.search(r'"(prefixItems|\$defs)"', json.dumps(old))


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published.name)
def test_every_field_is_documented_in_the_schema(published: Published) -> None:
    schema = generate(published)
    for name, definition in {"": schema, **schema["$defs"]}.items():
        assert definition.get("description"), name
        for key, entry in definition.get("properties", {}).items():
            assert entry.get("description"), f"{name}.{key}"


def test_documentation_comes_from_the_string_under_the_field() -> None:
    assert field_docs(Claim)["hardware"] == "The system that the numbers belong to."
    assert field_docs(Claim)["lynxspec"] == "Version of the format."


def test_inherited_fields_keep_their_documentation() -> None:
    regime = generate(PUBLISHED[0])["$defs"]["Regime"]
    assert regime["properties"]["precision"]["description"] == "Number format of each tensor class."


@pytest.mark.parametrize(
    "path", [CLAIM, *sorted((ROOT / "examples").rglob("*.claim.yaml"))], ids=lambda path: path.name
)
def test_examples_fit_the_schema(path: Path) -> None:
    data = read(path).data
    assert not list(Draft202012Validator(generate(PUBLISHED[0])).iter_errors(data))
    assert not list(Draft7Validator(draft_07(PUBLISHED[0])).iter_errors(data))


REPORT = {
    "format": "lynxspec-lint/1",
    "profile": "buyer",
    "documents": [
        {
            "path": "x.claim.yaml", "kind": "claim", "score_model": "lynxspec-score/1", "score": 50, "points": 10.5,
            "denominator": 21.0, "grade": "D", "complete": False, "deployment_grade": False,
            "disclosures": {"hardware": {"status": "disclosed", "value": "x", "note": "", "evidence": [
                {"text": "x", "line": 1, "column": 1, "page": None, "bbox": [0.0, 1.0, 2.0, 3.5]}]}},
            "findings": [{"rule": "LXS101", "name": "a-rule", "severity": "error", "confidence": "certain", "message": "m",
                          "remedy": "r", "component": "hardware", "regime": None, "ignored": None, "locations": [
                              {"path": "a", "line": 1, "column": 1, "end_line": 1, "end_column": 2, "page": None, "bbox": None}]}],
            "claims": [{"name": "x", "regimes": [{"name": "int8", "score": 50.0, "points": 1, "denominator": 2,
                                                  "disclosures": {}, "findings": []}]}],
        }
    ],
}  # fmt: skip


def test_a_lint_report_fits_model_and_schemas() -> None:
    LintReport.model_validate_json(json.dumps(REPORT))
    published = next(p for p in PUBLISHED if p.name == "lint-report")
    assert Draft202012Validator(generate(published)).is_valid(REPORT)
    assert Draft7Validator(draft_07(published)).is_valid(REPORT)
    box = REPORT["documents"][0]["disclosures"]["hardware"]["evidence"][0]  # type: ignore[index]
    for wrong in ([0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0, 4.0]):
        other = json.loads(json.dumps(REPORT))
        other["documents"][0]["disclosures"]["hardware"]["evidence"][0] = {**box, "bbox": wrong}
        assert not Draft202012Validator(generate(published)).is_valid(other)
        assert not Draft7Validator(draft_07(published)).is_valid(other)


FILLINGS = (
    (r"<one of ([^| >]+)[^>]*>", r"\1"),
    (r"<true \| false>", "true"),
    (r"<(?:a|an) [a-z ]+ such as ([^>]+)>", r"\1"),
    (r"<change such as ([^>]+)>", r"\1"),
    (r"<exact version>", "1.0"),
    (r"<date as YYYY-MM-DD>", "2026-11-20"),
    (r"<64 lower-case hexadecimal digits>", "0" * 64),
    (r"<short handle>", "a"),
    (r"<whole number>", "1"),
    (r"<number>", "0.5"),
    (r"<text>", "words"),
)


@pytest.mark.parametrize(("template", "model"), [(templates.claim, Claim), (templates.recipe, Recipe)])
def test_a_template_validates_once_its_holes_are_filled(template: object, model: type) -> None:
    text = template()  # type: ignore[operator]
    for pattern, filling in FILLINGS:
        text = re.sub(pattern, filling, text)
    body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert "<" not in body
    assert isinstance(validate(read(text.encode(), source="x.claim.yaml")), model)


def test_a_template_carries_the_modeline_and_the_documentation() -> None:
    document = read(templates.claim().encode(), source="x.claim.yaml")
    schema = generate(PUBLISHED[0])
    assert document.comments[0].text == f"yaml-language-server: $schema={schema['$id']}"
    comments = {comment.text for comment in document.comments}
    for entry in schema["properties"].values():
        assert entry["description"] in comments
