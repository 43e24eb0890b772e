"""int8: which layers run in it, and over which range of values.

`pictures` finds pictures and prepares them as the served model does, `calibrate` runs the fp32
network on them and measures what enters each layer, `calibration` keeps the result beside the
network, `layers` chooses the layers. The network itself quantizes
(`builder.network.int8`).
"""

from builder.quantization.calibration import CALIBRATION, Calibration, obtain_calibration
from builder.quantization.layers import choose_layers
from builder.quantization.options import Int8Options

__all__ = [
    "CALIBRATION",
    "Calibration",
    "Int8Options",
    "choose_layers",
    "obtain_calibration",
]
