from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from artifact.gpu import Gpu
from builder.errors import BuildError
from builder.tensorrt.bindings import Bindings
from builder.tensorrt.log import make_logger
from builder.tensorrt.timing_cache import cache_file, load_timing_cache, save_timing_cache

# TensorRT-RTX times nothing, but has the calls.
pytestmark = pytest.mark.filterwarnings("ignore:.*Timing cache operations are no-ops")


@pytest.fixture
def builder_config(rtx: Bindings) -> Any:
    return rtx.create_builder(make_logger(rtx.trt)).create_builder_config()


@pytest.mark.parametrize("timings", [None, b"", b"of another version"])
def test_a_build_begins_with_any_file_and_leaves_one_that_the_next_can_read(
    builder_config: Any, tmp_path: Path, timings: bytes | None
) -> None:
    file = tmp_path / "cache" / "new" / "gpu.timing"
    if timings is not None:
        file.parent.mkdir(parents=True)
        file.write_bytes(timings)
    save_timing_cache(load_timing_cache(builder_config, file), file)
    assert file.read_bytes() not in (b"", timings)
    load_timing_cache(builder_config, file)
    assert [path.name for path in file.parent.iterdir()] == ["gpu.timing"]


def test_a_cache_that_cannot_be_read_is_named(builder_config: Any, tmp_path: Path) -> None:
    (tmp_path / "gpu.timing").mkdir()
    with pytest.raises(BuildError, match=r"gpu\.timing: cannot be read: Is a directory"):
        load_timing_cache(builder_config, tmp_path / "gpu.timing")


def test_a_cache_that_cannot_be_written_leaves_nothing(builder_config: Any, tmp_path: Path) -> None:
    cache = load_timing_cache(builder_config, tmp_path / "gpu.timing")
    (tmp_path / "gpu.timing").mkdir()
    with pytest.raises(OSError, match=r"gpu\.timing"):
        save_timing_cache(cache, tmp_path / "gpu.timing")
    assert [path.name for path in tmp_path.iterdir()] == ["gpu.timing"]


def test_each_tensorrt_and_each_gpu_has_a_file_of_its_own(rtx: Bindings, tmp_path: Path) -> None:
    file = cache_file(tmp_path, rtx, Gpu("NVIDIA RTX 6000 Ada/1", "8.9"))
    assert file == tmp_path / f"tensorrt_rtx-{rtx.version}-NVIDIA-RTX-6000-Ada-1.timing"
