"""The network, written once: detectron2's R-CNNs as ONNX graphs of plain operators.

It reads like the PyTorch model, and its parameters carry detectron2's names. A part is one file
with its module and the settings that it reads, found by detectron2's name in the `__init__` of
its folder. A meta architecture (`meta_arch`) puts parts together: a backbone (`backbones`) makes
feature maps of a picture, a proposal generator (`proposals`) boxes, the heads (`heads`, with
`predictors`) detections, all with the `operators`. `feature_map` keeps the canvas out of the
answer. `layers` are what the parts are made of, `int8` what a layer is in an int8 network.
`config` reads the settings, `spec` is what others have to know of a network, and `export` writes
it.
"""

from builder.network.config import ModelConfig, load_config
from builder.network.export import export_onnx
from builder.network.precision import PRECISIONS
from builder.network.spec import NetworkSpec, network_spec

__all__ = [
    "PRECISIONS",
    "ModelConfig",
    "NetworkSpec",
    "export_onnx",
    "load_config",
    "network_spec",
]
