"""A recipe may come with a file that somebody else made: it is measured, and what made it stays unknown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lynxspec.claim import Recipe
from verifier.opening import open_recipe
from verifier.reproduction.job import Job
from verifier.reproduction.subjects import supplied_artifact
from verifier.store import RunStore

EXAMPLE = Path(__file__).parents[2] / "examples/mobilenetv2-mnist"


@pytest.mark.parametrize(("name", "found"), [("model-int8", True), ("model-int4", False)])
def test_the_file_of_a_recipe_is_the_one_that_is_named_after_the_regime(tmp_path, name, found):
    recipe, _ = open_recipe(EXAMPLE / "int8.recipe.yaml")
    data = recipe.model_dump(mode="json")
    listed = data["model"]["artifacts"][0] | {"name": name, "role": "quantized_model", "uri": "int8.int8.onnx"}
    data["model"]["artifacts"].append(listed)
    recipe = Recipe.model_validate_json(json.dumps(data))
    job = Job(document=recipe, source=b"", sha256="0" * 64, folder=EXAMPLE, store=RunStore(tmp_path))
    artifact = supplied_artifact(job, job.quantized[0])
    assert (artifact is not None and artifact.name == name) is found
