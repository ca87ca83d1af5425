r"""JSON Schemas of everything that is published: 2020-12, and draft-07 for editors; generated from the models.

Two spellings follow from one rule, that pydantic and every JSON Schema engine accept the same documents:

* Python's ``$`` matches before a trailing line break, that of ECMA 262 and Rust does not; next to an anchored
  ``pattern`` stands ``"not": {"pattern": "\\n"}``.
* Keys of free mappings are bound by ``propertyNames``, since ``patternProperties`` lets other keys pass.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from lynxspec.claim import FORMAT, Claim, Recipe
from lynxspec.draft_file import DraftFile
from lynxspec.errors import InternalError, UsageError
from lynxspec.need import Need
from lynxspec.report import LintReport

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DRAFT_07 = "http://json-schema.org/draft-07/schema#"
HOME = "https://lynxspec.org/schemas"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One schema with its identity."""

    name: str
    """Kebab-case, e.g. ``lint-report``."""
    title: str
    """Title for people."""
    version: str
    """``major.minor``; the file name carries the major one."""
    model: type[BaseModel]
    """Its source."""

    @property
    def file(self) -> str:
        """File name of the 2020-12 form."""
        return f"{self.name}-{self.version.partition('.')[0]}.schema.json"

    @property
    def draft_07_file(self) -> str:
        """File name of the draft-07 form."""
        return self.file.replace(".schema.json", ".schema.draft-07.json")

    def identifier(self, *, draft_07: bool) -> str:
        """Stable ``$id``; a document that has one keeps it for ever."""
        return f"{HOME}/{self.version}/{self.name}.schema{'.draft-07' if draft_07 else ''}.json"


PUBLISHED: tuple[Published, ...] = (
    Published(name="claim", title="LynxSpec claim", version=FORMAT, model=Claim),
    Published(name="recipe", title="LynxSpec recipe", version=FORMAT, model=Recipe),
    Published(name="draft", title="LynxSpec draft of a claim", version=FORMAT, model=DraftFile),
    Published(name="need", title="LynxSpec need", version=FORMAT, model=Need),
    Published(name="lint-report", title="LynxSpec lint report", version="1.0", model=LintReport),
)
"""Schemas of this package; the verifier's command line adds the audit record's."""


def generate(published: Published) -> Json:
    """The 2020-12 schema."""
    body = published.model.model_json_schema(schema_generator=_Generator, mode="validation")
    body = _portable_mapping(body)
    head = {"$schema": DIALECT, "$id": published.identifier(draft_07=False), "title": published.title}
    return head | {key: value for key, value in body.items() if key != "title"}


def draft_07(published: Published) -> Json:
    """The same schema for editors that know only draft-07."""
    schema = _older_mapping(generate(published))
    schema["$schema"] = DRAFT_07
    schema["$id"] = published.identifier(draft_07=True)
    return schema


def render(schema: Json) -> str:
    """The bytes of a published file, as text."""
    return json.dumps(schema, indent=2) + "\n"


def files(published: Iterable[Published] = PUBLISHED) -> dict[str, str]:
    """File names and contents of all schemas in both forms."""
    found: dict[str, str] = {}
    for entry in published:
        found[entry.file] = render(generate(entry))
        found[entry.draft_07_file] = render(draft_07(entry))
    return found


def write(folder: Path, published: Iterable[Published] = PUBLISHED) -> tuple[Path, ...]:
    """Write all schemas into ``folder`` and return their paths."""
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files(published).items():
            path = folder / name
            path.write_text(text, encoding="utf-8")
            paths.append(path)
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}", hint="name a folder that can be written") from error
    return tuple(paths)


def shipped(name: str) -> str:
    """A schema file as shipped: inside the installed package, or ``schemas/`` of a checkout."""
    for place in (resources.files("lynxspec") / "schemas", Path(__file__).parent.parent / "schemas"):
        file = place / name
        if file.is_file():
            return file.read_text(encoding="utf-8")
    raise InternalError(
        f"schema {name} is not installed", hint="reinstall lynxspec, or run `lynxspec schema --out DIR`"
    )


@cache
def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """The documentation of each field: its description, or the string that stands under it in the source."""
    docs: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            docs |= _docs_of_module(base.__module__).get(base.__qualname__, {})
    described = {name: field.description for name, field in model.model_fields.items() if field.description}
    return {name: doc for name, doc in (docs | described).items() if name in model.model_fields}


@cache
def _docs_of_module(name: str) -> dict[str, dict[str, str]]:
    """Strings under the annotated names of each class; reading the source costs no process that prints no docs."""
    module = sys.modules[name]
    try:
        tree = ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return {}
    return {node.name: _docs_of_class(node) for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def _docs_of_class(node: ast.ClassDef) -> dict[str, str]:
    docs = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
            docs[field.target.id] = inspect.cleandoc(below.value.value)
    return docs


class _Generator(GenerateJsonSchema):
    """pydantic's generator, with the fields' documentation."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Add the descriptions that stand in the source."""
        generated = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        docs = field_docs(model)
        for name, entry in generated.get("properties", {}).items():
            if name in docs:
                entry.setdefault("description", docs[name].replace("``", "`").replace("\n", " "))
        return generated


def _portable(schema: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Spellings that all engines read alike, see above; without titles that repeat the key."""
    if isinstance(schema, list):
        return [_portable(entry) for entry in schema]
    return _portable_mapping(schema) if isinstance(schema, dict) else schema


def _portable_mapping(schema: Json) -> Json:
    out = {key: _portable(value) for key, value in schema.items() if key != "discriminator"}
    if isinstance(out.get("pattern"), str) and out["pattern"].endswith("$"):
        out["not"] = {"pattern": "\\n"}
    patterns = out.get("patternProperties")
    if isinstance(patterns, dict) and len(patterns) == 1 and "additionalProperties" not in out:
        ((pattern, value),) = patterns.items()
        del out["patternProperties"]
        out |= {"propertyNames": {"pattern": pattern, "not": {"pattern": "\\n"}}, "additionalProperties": value}
    properties = out.get("properties")
    if isinstance(properties, dict):
        for entry in properties.values():
            if isinstance(entry, dict) and isinstance(entry.get("title"), str):
                del entry["title"]
    return out


def _older(schema: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Keywords of 2020-12 in the words of draft-07."""
    if isinstance(schema, list):
        return [_older(entry) for entry in schema]
    return _older_mapping(schema) if isinstance(schema, dict) else schema


def _older_mapping(schema: Json) -> Json:
    out: Json = {}
    for key, value in schema.items():
        if key == "$defs":
            out["definitions"] = _older(value)
        elif key == "$ref" and isinstance(value, str):
            out["$ref"] = value.replace("#/$defs/", "#/definitions/")
        elif key == "prefixItems":
            out["items"] = _older(value)
        elif key == "items" and "prefixItems" in schema:
            out["additionalItems"] = _older(value)
        else:
            out[key] = _older(value)
    return out
