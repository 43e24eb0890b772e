"""``python -m builder export-wts`` at full size: 323 MB of text."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.__main__ import main
from builder.network import load_config, network_spec
from builder.weights import load_weights


def test_a_checkpoint_of_full_size_is_exported_and_reads_back_bit_for_bit(
    r50_c4_config: Path,
    r50_c4_weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "maskrcnn.wts"
    options = ["--config", r50_c4_config, "--weights", r50_c4_weights, "--output", output]
    assert main(["export-wts", *map(str, options)]) == 0
    assert f"{output}: 120 entries, 35,936,172 values, 323.4 MB" in capsys.readouterr().out

    parameters = network_spec(load_config(r50_c4_config)).parameters
    read_back = load_weights(output, parameters)
    output.unlink()
    for name, tensor in load_weights(r50_c4_weights, parameters).items():
        assert read_back[name].shape == tensor.shape
        assert read_back[name].tobytes() == tensor.tobytes(), name
