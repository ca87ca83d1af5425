"""PyTorch programs are read without PyTorch, nothing in them is run, and their ledgers say what is stored."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from verifier.inspection.grid import GRIDS
from verifier.inspection.program import read
from verifier.inspection.program_archive import wash
from verifier.inspection.program_ledger import inspect
from verifier.inspection.program_weights import _decoded, compare, weight_error

PROGRAMS = Path(__file__).parents[1] / "data" / "programs"
MODEL, WEIGHTS, CONSTANTS = (
    "models/model.json",
    "data/weights/model_weights_config.json",
    "data/constants/model_constants_config.json",
)


def known(rows, columns, period):
    """The weights that tests/models/make_programs.py gives a layer."""
    return ((np.arange(rows * columns) % period - period // 2) / 4).astype(np.float32).reshape(rows, columns)


def entries(path):
    with zipfile.ZipFile(path) as archive:
        return {info.filename.split("/", 1)[1]: archive.read(info) for info in archive.infolist()}


def altered(tmp_path, *, name="two_layers", entry=MODEL, change=None, extra=None, compress=zipfile.ZIP_STORED):
    """A copy of a program with one entry changed as JSON, or with entries added."""
    found = entries(PROGRAMS / f"{name}.pt2")
    if change is not None:
        document = json.loads(found[entry])
        change(document)
        found[entry] = json.dumps(document).encode()
    found.update(extra or {})
    path = tmp_path / "altered.pt2"
    with zipfile.ZipFile(path, "w", compress) as archive:
        for key, data in found.items():
            archive.writestr(f"folder/{key}", data)
    return path


def nodes(document):
    return document["graph_module"]["graph"]["nodes"]


def groups(ledger, *, of="tensors"):
    return {
        (g["tensor_class"], g["format"], g["granularity"], g["symmetry"], g["timing"], g["tensors"]) for g in ledger[of]
    }


def test_a_program_has_its_inputs_outputs_and_free_sizes_by_name():
    program = read(str(PROGRAMS / "two_layers.pt2"))
    assert program.inputs == ("x",)
    assert [name for name, _ in program.outputs] == ["y"]
    (free,) = program.ranges.values()
    assert program.shapes["x"][1] == 32
    assert free == (1, 4096)
    assert [node.target for node in program.nodes] == ["aten.linear", "aten.relu", "aten.linear"]


def test_inputs_given_by_keyword_are_known_as_such():
    program = read(str(PROGRAMS / "attention.pt2"))
    assert (program.inputs, program.keywords) == (("ids", "mask"), 2)
    assert [name for name, _ in program.outputs] == ["output"]


def test_stored_values_are_read_exactly():
    program = read(str(PROGRAMS / "two_layers.pt2"))
    stored = {tensor.name: program.array(tensor) for tensor in program.tensors.values()}
    assert np.array_equal(stored["a.weight"], known(64, 32, 7))
    assert np.array_equal(stored["b.weight"], known(8, 64, 11))


def test_a_washed_program_has_no_pickle_no_guards_and_nobodys_paths(tmp_path):
    raw = entries(PROGRAMS / "two_layers.pt2")
    assert b"data.pkl" in raw["data/sample_inputs/model.pt"]
    assert b"make_programs.py" in raw[MODEL]
    wash(str(PROGRAMS / "two_layers.pt2"), str(tmp_path / "clean.pt2"))
    clean = entries(tmp_path / "clean.pt2")
    assert clean["data/sample_inputs/model.pt"] == b""
    assert b"make_programs.py" not in clean[MODEL]
    assert json.loads(clean[MODEL])["guards_code"] == []
    assert ".data/serialization_id" not in clean


def test_the_same_program_washes_to_the_same_bytes_whatever_its_serial_number_and_order(tmp_path):
    one, other = tmp_path / "one.pt2", tmp_path / "other.pt2"
    wash(str(PROGRAMS / "two_layers.pt2"), str(one))
    wash(str(altered(tmp_path, extra={".data/serialization_id": b"7" * 40, "extra/note": b"hello"})), str(other))
    assert one.read_bytes() == other.read_bytes()
    again = tmp_path / "again.pt2"
    wash(str(one), str(again))
    assert again.read_bytes() == one.read_bytes()


class Evil:
    """Unpickling it would leave a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def _pickled_weight(document):
    row = document["config"]["a.weight"]
    row.update(use_pickle=True, tensor_meta=None)


def _operator(name):
    def change(document):
        nodes(document)[0]["target"] = name

    return change


def _size(text):
    def change(document):
        sizes = document["graph_module"]["graph"]["tensor_values"]["x"]["sizes"]
        sizes[0]["as_expr"]["expr_str"] = text

    return change


def _node_name(document):
    nodes(document)[1]["name"] = "relu = __import__('os').system('x')"


def _input_name(document):
    document["graph_module"]["module_call_graph"][0]["signature"]["forward_arg_names"] = ["x=print(1)"]


def _parameter_name(document):
    row = document["graph_module"]["signature"]["input_specs"][0]["parameter"]
    row["parameter_name"] = 'a"), __import__("os").system("x"), ("'


def _class_of_outputs(document):
    signature = document["graph_module"]["module_call_graph"][0]["signature"]
    signature["out_spec"] = signature["out_spec"].replace("builtins.dict", "transformers.ModelOutput")


def _script_object(document):
    document["graph_module"]["graph"]["custom_obj_values"] = {"packed": {"name": "packed", "class_fqn": "Packed"}}


def _text(document):
    nodes(document)[1]["inputs"][0]["arg"] = {"as_string": "/etc/passwd"}


def _shape(document):
    document["config"]["a.weight"]["tensor_meta"]["sizes"][0]["as_int"] = 6400


def _offset(document):
    document["config"]["a.weight"]["tensor_meta"]["storage_offset"]["as_int"] = -1


def _version(document):
    document["schema_version"]["major"] = 9


@pytest.mark.parametrize(
    ("entry", "change", "words"),
    [
        (WEIGHTS, _pickled_weight, "a.weight is stored as a pickle, which is never loaded"),
        (MODEL, _operator("torch.os.system"), "operator 'torch.os.system' is not among those"),
        (MODEL, _operator("torch.hub.load"), "operator 'torch.hub.load' is not among those"),
        (MODEL, _operator("torch.ops.aten.from_file.default"), "is not among those"),
        (MODEL, _operator("torch.ops.aten.save.default"), "is not among those"),
        (MODEL, _operator("torch.ops.mylib.run.default"), "is not among those"),
        (MODEL, _operator("torch.ops.higher_order.triton_kernel_wrapper_functional"), "is not among those"),
        (MODEL, _operator("_operator.attrgetter"), "is not among those"),
        (MODEL, _operator("torch.ops.aten.relu.__globals__"), "is not among those"),
        (MODEL, _size("__import__('os').system('touch x')"), "is no arithmetic over symbols"),
        (MODEL, _size("Symbol('s0').__class__"), "is no arithmetic over symbols"),
        (MODEL, _size("exec('1')"), "is no arithmetic over symbols"),
        (MODEL, _size("9**9**9**9"), "is no plain arithmetic"),
        (MODEL, _node_name, "is no name of a tensor"),
        (MODEL, _input_name, "is no name of a tensor"),
        (MODEL, _parameter_name, "is no path of a module"),
        (MODEL, _class_of_outputs, "are of the class 'transformers.ModelOutput'"),
        (MODEL, _script_object, "an object of a class, which only a pickle could restore"),
        (MODEL, _text, "is given the text '/etc/passwd'"),
        (WEIGHTS, _shape, "the bytes of a.weight are not what its shape"),
        (WEIGHTS, _offset, "the bytes of a.weight are not what its shape"),
        (MODEL, _version, "export it again"),
    ],
)
def test_what_could_run_code_or_read_beyond_the_bytes_is_refused(tmp_path, entry, change, words):
    path = altered(tmp_path, entry=entry, change=change)
    with pytest.raises(ValueError, match=r".") as refused:
        read(str(path))
    assert words in str(refused.value)
    with pytest.raises(ValueError, match=r"."):
        wash(str(path), str(tmp_path / "clean.pt2"))


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"data/aotinductor/model/model.so": b"\x7fELF"}, "holds 'data/aotinductor/model/model.so'"),
        ({"code/__torch__.py": b"x"}, "holds 'code/__torch__.py'"),
        ({"data.pkl": pickle.dumps(1)}, "holds 'data.pkl'"),
        ({"models/other.json": b"{}"}, "holds 2 models"),
        ({"byteorder": b"big"}, "written in byte order"),
    ],
)
def test_an_archive_with_more_than_a_graph_and_tensors_is_refused(tmp_path, extra, words):
    with pytest.raises(ValueError, match=r".") as refused:
        read(str(altered(tmp_path, extra=extra)))
    assert words in str(refused.value)


def test_a_compressed_archive_is_refused_so_that_it_cannot_swell(tmp_path):
    with pytest.raises(ValueError, match="compressed"):
        read(str(altered(tmp_path, compress=zipfile.ZIP_DEFLATED)))


def test_a_quantized_model_exported_with_its_subclasses_is_refused_and_told_how():
    """As torch.export.save writes torchao's tensors when nobody unwraps them: a recorded file of PyTorch 2.13."""
    with pytest.raises(ValueError, match=r"a\.weight is stored as a pickle.*unwrap tensor subclasses"):
        read(str(PROGRAMS / "pickled.pt2"))


def test_a_pickle_among_the_sample_inputs_is_left_out_and_not_opened(tmp_path):
    mark = tmp_path / "mark"
    evil = io.BytesIO(pickle.dumps(Evil(mark)))
    path = altered(tmp_path, extra={"data/sample_inputs/model.pt": evil.getvalue()})
    wash(str(path), str(tmp_path / "clean.pt2"))
    assert read(str(path)).inputs == ("x",)
    assert entries(tmp_path / "clean.pt2")["data/sample_inputs/model.pt"] == b""
    assert not mark.exists()


def test_the_ledger_of_a_float_program_names_every_weight_in_its_format():
    ledger = inspect(str(PROGRAMS / "two_layers.pt2"))
    assert groups(ledger) == {
        ("activations", "fp32", "none", "none", "none", 2),
        ("bias", "fp32", "none", "none", "none", 2),
        ("head", "fp32", "none", "none", "none", 1),
        ("outputs", "fp32", "none", "none", "none", 2),
        ("weights", "fp32", "none", "none", "none", 1),
    }
    assert ledger["float_weights"] == ["a.weight", "b.weight"]
    assert (ledger["first_weight"], ledger["last_weight"]) == ("a.weight", "b.weight")


@pytest.mark.parametrize(
    ("name", "weights", "activations", "compute", "stored_as", "bits"),
    [
        # one float scale per row of 32: 8 + 32/32; and one byte of zero point: 8/32; by torchao's own classes
        ("int8_dynamic", "int8 per_channel(axis=0)", "int8 per_token symmetric dynamic", "int8", "int8", 9.25),
        ("int8_weights", "int8 per_channel(axis=0)", "fp32 none none none", "fp32", "int8", 9.25),
        # groups of 32: the same scales and zero points, and a byte for each value of four bits
        ("int4_weights", "int4 per_group(32)", "fp32 none none none", "fp32", "int8", 9.25),
        ("int4_int8", "int4 per_group(32)", "int8 per_token asymmetric dynamic", "int8", "int8", 9.25),
        ("float8_weights", "fp8_e4m3fn per_channel(axis=0)", "fp32 none none none", "fp32", "fp8_e4m3fn", 9.0),
    ],
)
def test_the_ledger_says_what_is_stored_and_not_what_a_subclass_says(
    name, weights, activations, compute, stored_as, bits
):
    """A torchao tensor calls itself float32; the layer of 64 x 32 weights, looked at alone, must show its bytes."""
    ledger = inspect(str(PROGRAMS / f"{name}.pt2"))
    found = {g["tensor_class"]: g for g in ledger["tensors"]}
    assert "{format} {granularity}".format(**found["weights"]) == weights
    assert "{format} {granularity}".format(**found["head"]) == weights
    assert "{format} {granularity} {symmetry} {timing}".format(**found["activations"]) == activations
    assert {group["compute"] for group in ledger["operators"]} == {compute}
    assert {row["stored_as"] for row in ledger["storage"]} == {stored_as}
    assert {row["storage_bits"] for row in ledger["storage"]} == {8.0}
    # the second layer's rows are 64 wide, so that per channel its scales cost half as much
    total = sum(row["effective_bits"] * row["elements"] for row in ledger["storage"])
    narrow = 8 + (bits - 8) / 2 if "channel" in weights else bits
    assert total == pytest.approx(2048 * bits + 512 * narrow)


def test_a_layer_one_group_wide_is_called_as_its_neighbours_are():
    """64 x 32 in groups of 32 has one scale a row: by itself per channel, beside 8 x 64 with two a row per group."""
    weights = {row["name"]: row for row in inspect(str(PROGRAMS / "int4_weights.pt2"))["weights"]}
    assert {row["granularity"] for row in weights.values()} == {"per_group(32)"}


def test_a_float8_product_has_its_scales_as_arguments():
    ledger = inspect(str(PROGRAMS / "float8_dynamic.pt2"))
    found = {g["tensor_class"]: g for g in ledger["tensors"]}
    assert "{format} {granularity}".format(**found["weights"]) == "fp8_e4m3fn per_channel(axis=0)"
    assert "{format} {granularity} {timing}".format(**found["activations"]) == "fp8_e4m3fn per_token dynamic"
    assert {(g["op_type"], g["compute"]) for g in ledger["operators"]} == {("_scaled_mm", "fp8_e4m3fn")}


def test_four_bit_numbers_in_bytes_are_told_apart_from_eight_bit_ones():
    four, eight = (inspect(str(PROGRAMS / f"{name}.pt2"))["storage"] for name in ("int4_weights", "int8_weights"))
    assert {(row["numeric_bits"], row["used_bits"]) for row in four} == {(4, 4)}
    assert min(row["low"] for row in four) >= -8
    assert max(row["high"] for row in four) <= 7
    assert {(row["numeric_bits"], row["used_bits"]) for row in eight} == {(8, 8)}


def test_products_of_two_activations_are_no_layers():
    ledger = inspect(str(PROGRAMS / "attention.pt2"))
    assert [row["weight"] for row in ledger["layers"] if row["op_type"] == "matmul"] == ["", ""]
    assert {g["tensor_class"]: g["tensors"] for g in ledger["tensors"]}["embeddings"] == 1
    assert {(g["op_type"], g["count"]) for g in ledger["operators"]} == {("linear", 4), ("matmul", 2)}


def test_a_weight_under_another_name_is_known_by_its_use(tmp_path):
    """Names prove nothing: an int8 tensor that is renamed to look like a float parameter is int8 all the same."""
    found = entries(PROGRAMS / "int8_weights.pt2")
    old, new = "a.parametrizations.weight.original0", "a.weight_fp32"
    config, model = json.loads(found[WEIGHTS]), found[MODEL].replace(old.encode(), new.encode())
    config["config"][new] = config["config"].pop(old)
    path = altered(tmp_path, name="int8_weights", extra={WEIGHTS: json.dumps(config).encode(), MODEL: model})
    weight = next(row for row in inspect(str(path))["weights"] if row["name"] == new)
    assert (weight["format"], weight["granularity"]) == ("int8", "per_channel(axis=0)")


# weights


@pytest.mark.parametrize("name", ["int8_dynamic", "int8_weights", "int4_weights", "int4_int8", "float8_weights"])
def test_weights_rounded_to_nearest_lie_within_half_a_step_of_the_reference(name):
    found = weight_error(str(PROGRAMS / "two_layers.pt2"), str(PROGRAMS / f"{name}.pt2"))
    assert (found["tensors"], found["elements"], found["unmatched"]) == (2, 64 * 32 + 8 * 64, [])
    assert found["beyond_half_step"] == 0
    assert 0 < found["worst_steps"] <= 0.501
    assert found["offenders"] == []


def test_a_weight_that_was_moved_is_found(tmp_path):
    """One code of the first layer, two steps away from where rounding put it."""
    config = json.loads(entries(PROGRAMS / "int8_weights.pt2")[WEIGHTS])["config"]
    entry = "data/weights/" + config["a.parametrizations.weight.original0"]["path_name"]
    codes = bytearray(entries(PROGRAMS / "int8_weights.pt2")[entry])
    codes[5] = (codes[5] - 2) % 256
    path = altered(tmp_path, name="int8_weights", extra={entry: bytes(codes)})
    found = weight_error(str(PROGRAMS / "two_layers.pt2"), str(path))
    assert (found["beyond_half_step"], found["offenders"]) == (1, ["a.weight"])
    assert 1.5 <= found["worst_steps"] <= 2.5
    same = compare(str(PROGRAMS / "int8_weights.pt2"), str(path))
    assert (same["identical"], same["weights_different"], same["scales_different"]) == (False, 1, 0)
    assert same["scales_compared"] == 64 + 8


def test_fp8_codes_are_the_values_of_the_standard():
    """OCP 8-bit floating point, table 1: the largest number 448 and the smallest 2**-9, and one between."""
    grid = GRIDS["fp8_e4m3fn"]
    codes = {0x7E: 448.0, 0x01: 2.0**-9, 0x08: 2.0**-6, 0x38: 1.0, 0xB9: -1.125}
    array = np.array(list(codes), np.uint8)

    class File:
        def array(self, _):
            return array

    assert _decoded(File(), None, grid).tolist() == list(codes.values())
