from __future__ import annotations

import builtins
import codecs
import importlib
import operator
import os
import pickle
import shutil
import subprocess
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.errors import BuildError
from builder.weights.pickle_reader import read_pickle
from tests.builder.weights.small_network import tensors, write_pickle

on_tmp_path = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

REFUSED = "Nothing in it was run"


@pytest.fixture
def written(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "model.pkl"
        path.write_bytes(content)
        return path

    return write


Written = Callable[[bytes], Path]


def refusal(path: Path) -> str:
    with pytest.raises(BuildError) as refused:
        read_pickle(path)
    assert str(path) in str(refused.value)
    return str(refused.value)


# What loads.


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4", "<i8", "|u1", "|b1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_every_protocol_are_read_exactly(
    tmp_path: Path, protocol: int, dtype: str, order: Any
) -> None:
    arrays = {
        "a.matrix": np.arange(6).reshape(2, 3).astype(dtype, order=order),
        "a.strided": np.arange(12).reshape(3, 4).astype(dtype)[::2, 1:],
        "a.empty": np.zeros((0, 3), dtype),
        "a.scalar": np.array(1, dtype),
    }
    got = read_pickle(write_pickle(tmp_path / "model.pkl", arrays, protocol))
    assert got.keys() == arrays.keys()
    for name, array in arrays.items():
        value = got[name]
        assert type(value) is np.ndarray
        assert value.dtype == np.dtype(dtype).newbyteorder("=")
        np.testing.assert_array_equal(value, array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_containers_beside_the_model_do_no_harm(tmp_path: Path, protocol: int) -> None:
    state = OrderedDict(tensors())
    checkpoint = {
        "model": state,
        "iteration": np.int64(7),
        "loss": np.float32(0.5),
        "notes": [1, 2.0, None, True, "text", b"bytes", ("a", {"b": 3}), 2**100],
    }
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(checkpoint, protocol))
    assert read_pickle(path).keys() == state.keys()


PYTHON_2_NUMPY_1 = (
    b"\x80\x02}q\x01U\x05modelq\x02}q\x03U\x03a.bq\x04cnumpy.core.multiarray\n_reconstruct\n"
    b"cnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R"
    b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08\x00\x00\x80?\x00\x00\x80\xbftbss."
)


def test_a_file_written_by_python_2_and_numpy_1_is_read(written: Written) -> None:
    got = read_pickle(written(PYTHON_2_NUMPY_1))
    np.testing.assert_array_equal(got["a.b"], np.array([1, -1], np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_module_names_of_numpy_1_and_numpy_2_are_both_known(
    written: Written, protocol: int
) -> None:
    content = pickle.dumps({"model": {"a.b": np.ones(3), "a.c": np.float64(2)}}, protocol)
    old, new = b"numpy.core.", b"numpy._core."
    assert old in content or new in content
    for module in (old, new):
        changed = content
        for found in (b"numpy.core.", b"numpy._core."):
            for path in (b"multiarray", b"numeric"):
                changed = _rename(changed, found + path, module + path)
        got = read_pickle(written(changed))
        np.testing.assert_array_equal(got["a.b"], np.ones(3))  # type: ignore[arg-type]
        assert got["a.c"] == 2.0


def _rename(content: bytes, old: bytes, new: bytes) -> bytes:
    """A name in a pickle, with the length that stands before it in protocol 4 and later."""
    content = content.replace(b"c" + old + b"\n", b"c" + new + b"\n")
    if content[2:3] == pickle.FRAME:  # its length would have to change as well
        content = content[:2] + content[11:]
    return content.replace(bytes([len(old)]) + old, bytes([len(new)]) + new)


# What is refused, and never runs.


class Call:
    """Pickles as a call of a function, which may be the result of another call."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call

    def __call__(self) -> None:
        """Only what is callable may be pickled as a function."""


MALICIOUS: dict[str, Callable[[str], Call]] = {
    "os.system": lambda marker: Call(os.system, f"touch {marker}"),
    "os.mkdir": lambda marker: Call(os.mkdir, marker),
    "builtins.eval": lambda marker: Call(builtins.eval, f"open({marker!r}, 'w').close()"),
    "builtins.exec": lambda marker: Call(builtins.exec, f"open({marker!r}, 'w').close()"),
    "builtins.open": lambda marker: Call(builtins.open, marker, "w"),
    "subprocess.check_call": lambda marker: Call(subprocess.check_call, ["touch", marker]),
    "subprocess.Popen": lambda marker: Call(subprocess.Popen, ["touch", marker]),
    "codecs.open": lambda marker: Call(codecs.open, marker, "w"),
    "shutil.copy": lambda marker: Call(shutil.copy, "/etc/hostname", marker),
    "pathlib.Path.touch": lambda marker: Call(Path.touch, Path(marker)),
    "numpy.savetxt": lambda marker: Call(np.savetxt, marker, [1]),
    "numpy.save": lambda marker: Call(np.save, marker, [1]),
    "numpy.memmap": lambda marker: Call(np.memmap, marker, "u1", "w+", 0, (1,)),
    "nested pickle": lambda marker: Call(pickle.loads, pickle.dumps(Call(os.mkdir, marker))),
    "map": lambda marker: Call(builtins.list, Call(builtins.map, os.mkdir, [marker])),
    "operator": lambda marker: Call(
        Call(operator.methodcaller, "mkdir", marker),
        Call(importlib.import_module, "os"),
    ),
    "getattr": lambda marker: Call(
        Call(builtins.getattr, Call(importlib.import_module, "os"), "mkdir"),
        marker,
    ),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", MALICIOUS)
def test_a_malicious_pickle_is_refused_and_does_not_run(
    tmp_path: Path, name: str, protocol: int
) -> None:
    def was_run() -> bool:
        return any(path.name.startswith("marker") for path in tmp_path.iterdir())

    marker = tmp_path / "marker"
    payload = MALICIOUS[name](str(marker))
    content = pickle.dumps({"model": {"a.b": payload}}, protocol)
    path = tmp_path / "model.pkl"
    path.write_bytes(content)

    assert REFUSED in refusal(path)
    assert not was_run()

    started = pickle.loads(content)["model"]["a.b"]  # the same bytes do run where they may
    if isinstance(started, subprocess.Popen):
        started.wait()
    assert was_run()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", "os.system"),
        (b"(S'true'\nios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nS'true'\no.", "os.system"),
        (b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.", "os.system"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.", "os.system"),
        (b"\x80\x02cbuiltins\nobject\n)\x81.", "builtins.object"),
        (b"\x80\x04\x8c\x08builtins\x8c\x06object\x93)}\x92.", "builtins.object"),
        (b"c__builtin__\neval\n(S'1'\ntR.", "__builtin__.eval"),
        (b"cnumpy\nload\n(S'x'\ntR.", "numpy.load"),
        (b"cnumpy\nfromfile\n(S'/dev/zero'\ntR.", "numpy.fromfile"),
        (b"cnumpy.core.multiarray\nfromfile\n(S'/dev/zero'\ntR.", "numpy.core.multiarray.fromfile"),
        (b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.dump\x93.", "numpy.ndarray.dump"),
        (b"cfunctools\npartial\n.", "functools.partial"),
        (b"ccopyreg\n_reconstructor\n.", "copyreg._reconstructor"),
        (b"ccollections\ndefaultdict\n.", "collections.defaultdict"),
        (b"ctorch._utils\n_rebuild_tensor_v2\n.", "torch._utils._rebuild_tensor_v2"),
        (b"cbuilder.weights.unpickler\nStandIn\n.", "unpickler.StandIn"),
        (b"Pdata\n.", "data outside itself"),
        (b"S'data'\nQ.", "data outside itself"),
        (b"cnumpy.core.multiarray\n_reconstruct\n(dS'a'\nI1\nsb.", "alters a function"),
        (b"c_codecs\nencode\n(V\\u20ac\nS'utf-8'\ntR.", "an encoding other than latin1"),
    ],
)
def test_anything_but_arrays_and_plain_containers_is_refused_by_name(
    written: Written, content: bytes, named: str
) -> None:
    message = refusal(written(content))
    assert named in message
    assert REFUSED in message


@pytest.mark.parametrize(
    ("array", "named"),
    [
        (np.array([{}, []], object), "an array of Python objects"),
        (np.array(["text"]), "dtype U4"),
        (np.array([b"bytes"]), "dtype S5"),
        (np.array([1j]), "dtype c16"),
        (np.zeros(2, [("a", "f4")]), "dtype V4"),
        (np.array(["2020-01-01"], "M8[D]"), "dtype M8"),
        (np.ones(2, np.longdouble), "dtype f16"),
    ],
)
def test_an_array_of_anything_but_numbers_is_refused(
    tmp_path: Path, array: np.ndarray, named: str
) -> None:
    assert named in refusal(write_pickle(tmp_path / "model.pkl", {"a.b": array}))


# Damaged files.


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_cut_short_anywhere_is_refused(written: Written, protocol: int) -> None:
    whole = pickle.dumps({"model": {"a.b": np.ones(3, np.float32)}}, protocol)
    for length in range(1, len(whole)):
        refusal(written(whole[:length]))


@pytest.mark.parametrize(
    "content",
    [b"\n", b"1\n", b"hello", b"<html>", b"\x80\xff.", b".", b"\x80\x04K", b"(" * 1000, b"\x89HDF"],
)
def test_a_file_that_is_no_pickle_is_refused(written: Written, content: bytes) -> None:
    assert "not hold a complete pickle" in refusal(written(content))


def test_a_torch_checkpoint_is_told_its_suffix(written: Written) -> None:
    assert "suffix .pth" in refusal(written(b"PK\x03\x04" + bytes(100)))


def _array_of(shape: bytes, data: bytes) -> bytes:
    """{"model": {"a.b": an fp32 array}}, with shape and data given as opcodes."""
    return (
        b"\x80\x04}\x8c\x05model}\x8c\x03a.bcnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
        b"K\x00\x85C\x01b\x87R(K\x01"
        + shape
        + b"cnumpy\ndtype\n\x8c\x02f4\x89\x88\x87R(K\x03\x8c\x01<"
        b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89" + data + b"tbss."
    )


def test_the_handmade_array_loads_when_nothing_is_wrong_with_it(written: Written) -> None:
    got = read_pickle(written(_array_of(b"K\x01K\x02\x86", b"C\x08" + bytes(8))))["a.b"]
    np.testing.assert_array_equal(got, np.zeros((1, 2)))  # type: ignore[arg-type]


HUGE = (2**40).to_bytes(8, "little")


@pytest.mark.parametrize(
    "content",
    [
        _array_of(b"K\x03\x85", b"C\x08" + bytes(8)),
        _array_of(b"\x8a\x06\x00\x00\x00\x00\x00\x01\x85", b"C\x08" + bytes(8)),
        _array_of(b"\x8a\x06\x00\x00\x00\x00\x00\x01K\x00\x86", b"C\x08" + bytes(8)),
        _array_of(b"J\xff\xff\xff\xffJ\xfe\xff\xff\xff\x86", b"C\x08" + bytes(8)),
        _array_of(b"]", b"C\x08" + bytes(8)),
        _array_of(b"K\x02", b"C\x08" + bytes(8)),
        _array_of(b"\x88\x88\x86", b"C\x04" + bytes(4)),
        _array_of(b"(" + b"K\x01" * 100 + b"t", b"C\x04" + bytes(4)),
        _array_of(b"K\x02\x85", b"]"),
        _array_of(b"K\x02\x85", b"\x8c\x08" + b"\xc4\x80" * 4),
        pickle.PROTO + b"\x04" + pickle.BINBYTES8 + HUGE + b"x.",
        pickle.PROTO + b"\x05" + pickle.BYTEARRAY8 + HUGE + b"x.",
        pickle.PROTO + b"\x04" + pickle.BINUNICODE8 + HUGE + b"x.",
        pickle.PROTO + b"\x04" + pickle.FRAME + HUGE + b"x.",
        pickle.PROTO + b"\x04" + b"N" + pickle.LONG_BINPUT + (2**27).to_bytes(4, "little") + b"0.",
        pickle.PROTO + b"\x04" + b"N" + pickle.LONG_BINGET + (2**27).to_bytes(4, "little") + b".",
        b"cnumpy\nndarray\n(\x8a\x06\x00\x00\x00\x00\x00\x01\x85tR.",
        b"c__builtin__\nbytearray\n(I9999999999\ntR.",
    ],
)
def test_a_small_file_cannot_take_much_memory(written: Written, content: bytes) -> None:
    path = written(content)
    tracemalloc.start()
    try:
        refusal(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10e6


DOUBLED = b"2\x86"
"""The opcodes that put a pair of what is on the stack in its place."""


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02}" + b")" + DOUBLED * 60 + b"K\x01s.",
        b"\x80\x02}(" + b")" + DOUBLED * 60 + b"K\x01u.",
        b"(" + b")" + DOUBLED * 60 + b"K\x01d.",
        b"\x80\x04\x8f(" + b")" + DOUBLED * 60 + b"\x90.",
        b"\x80\x04(" + b")" + DOUBLED * 60 + b"\x91.",
        b"\x80\x02ccollections\nOrderedDict\n](](" + b")" + DOUBLED * 60 + b"K\x01ee\x85R.",
        b"\x80\x02)" + DOUBLED * 60 + b"\x88R.",
    ],
    ids=["SETITEM", "SETITEMS", "DICT", "ADDITEMS", "FROZENSET", "OrderedDict", "REDUCE"],
)
def test_pairs_of_pairs_are_refused_before_anything_walks_through_them(
    written: Written, content: bytes
) -> None:
    refusal(written(content))


def test_arrays_that_share_their_data_take_no_more_than_the_file(written: Written) -> None:
    data = b"B" + (100_000).to_bytes(4, "little") + bytes(100_000) + b"q\x01"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n)R(K\x01J\xa0\x86\x01\x00\x85cnumpy\ndtype\n"
        b"X\x02\x00\x00\x00u1\x85Rh\x02h\x01tb"
    )
    start = b"\x80\x03" + b"K\x00q\x020" + data + b"0]("
    read_twice = written(start + array * 2 + b"e.")
    assert "expected a dictionary" in refusal(read_twice)
    assert "its arrays are larger than the file" in refusal(written(start + array * 1000 + b"e."))


def test_an_array_of_a_thousand_dimensions_is_refused(written: Written) -> None:
    shape = b"(" + (b"J" + (2**31 - 1).to_bytes(4, "little")) * 1000 + b"t"
    assert "a tuple of sizes" in refusal(written(_array_of(shape, b"C\x08" + bytes(8))))


def test_an_author_that_is_an_array_is_no_author(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"model": {"a.b": np.ones(2)}, "__author__": np.ones(3)}))
    assert read_pickle(path).keys() == {"a.b"}


def test_attributes_of_a_dictionary_are_dropped(tmp_path: Path) -> None:
    checkpoint = OrderedDict(model={"a.b": np.ones(2)})
    checkpoint.get = "not a method"  # type: ignore[method-assign, assignment]
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(checkpoint))
    assert read_pickle(path).keys() == {"a.b"}


def test_the_admitted_functions_cannot_be_altered_for_the_next_file(written: Written) -> None:
    attempts = (
        b"cnumpy.core.multiarray\n_reconstruct\n(NdS'_function'\nNstb.",
        b"cnumpy\ndtype\n(NdS'__init__'\nNstb.",
        b"ccollections\nOrderedDict\n(NdS'__init__'\nNstb.",
        b"cnumpy\nndarray\n(NdS'x'\nNstb.",
    )
    for attempt in attempts:
        refusal(written(attempt))
    assert read_pickle(written(PYTHON_2_NUMPY_1)).keys() == {"a.b"}


@on_tmp_path
@given(st.binary(min_size=1, max_size=100))
def test_any_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(content)
    refusal(path)


WHOLE = [
    pickle.dumps({"model": {"a.b": np.ones((2, 2), np.float32), "a.c": np.float64(1)}}, protocol)
    for protocol in PROTOCOLS
]


@on_tmp_path
@given(st.data())
def test_a_pickle_with_changed_bytes_is_read_or_refused(
    tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(data.draw(st.sampled_from(WHOLE)))
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[position] = data.draw(st.integers(0, 255))
    path = tmp_path / "model.pkl"
    path.write_bytes(content)
    try:
        message = f"{path}: {len(read_pickle(path))} tensors"
    except BuildError as error:
        message = str(error)
    assert message.startswith(f"{path}: ")
