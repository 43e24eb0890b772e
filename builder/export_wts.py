"""The export of weights to tensorrtx's .wts: configuration, weights, file, in that order."""

from __future__ import annotations

from pathlib import Path

from builder.errors import BuildError
from builder.network import load_config, network_spec
from builder.progress import Progress
from builder.weights import load_weights, write_wts


def export_wts(config_file: Path, weights_file: Path, output: Path) -> None:
    """Write the network's weights, BatchNorm folded, as a .wts file, and print each step.

    If anything fails, `output` is as it was before.

    Args:
        config_file: detectron2's YAML.
        weights_file: its weights, in a format of `builder.weights`.
        output: the file to write.

    Raises:
        BuildError: if any of the files is not what it should be, or cannot be written.
    """
    report = Progress().report
    if output.suffix.lower() != ".wts":
        raise BuildError(f"{output}: expected a name that ends in .wts; its readers go by that")
    report(f"configuration  {config_file}")
    parameters = network_spec(load_config(config_file)).parameters
    report(f"weights        {weights_file}")
    weights = load_weights(weights_file, parameters)
    report(f"writing        {output}")
    write_wts(output, weights)
    report("done")

    values = sum(tensor.size for tensor in weights.values())
    size = output.stat().st_size / 1e6
    print(f"\nfile         {output}: {len(weights)} entries, {values:,} values, {size:.1f} MB")
