"""Configurations held against what the build wrote of them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format, text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from artifact.names import ModelNames
from artifact.reference import PARAMETER
from client.check.configuration import (
    Configs,
    canvases_of,
    configuration_faults,
    reference_of,
)
from client.check.tolerance import served_precision
from client.errors import ClientError

NAMES = ModelNames()


@pytest.fixture(scope="module")
def built(demo_repository: Path) -> Configs:
    """As Triton gives them over gRPC."""
    return {
        name: json_format.MessageToDict(
            text_format.Parse((demo_repository / name / "config.pbtxt").read_text(), ModelConfig()),
            preserving_proto_field_name=True,
        )
        for name in NAMES
    }


@pytest.fixture
def configs(built: Configs) -> Configs:
    return copy.deepcopy(built)


def set_parameter(config: dict[str, Any], name: str, text: str) -> None:
    config["parameters"][name] = {"string_value": text}


def faults(configs: Configs) -> list[str]:
    return configuration_faults(configs, reference_of(configs, NAMES))


def test_what_was_built_has_no_fault(configs: Configs) -> None:
    assert faults(configs) == []
    assert canvases_of(configs, NAMES) == [(288, 480), (480, 288), (480, 480)]


def test_each_difference_is_named(configs: Configs) -> None:
    set_parameter(configs[NAMES.preprocess], "resize", "opencv")
    set_parameter(configs[NAMES.network], "onnx_sha256", "0" * 64)
    del configs[NAMES.postprocess]["parameters"]["category_ids"]
    configs[NAMES.network]["max_batch_size"] = 4
    configs[NAMES.ensemble]["output"][1]["dims"] = ["50", "4"]
    configs[NAMES.preprocess]["instance_group"] = []  # which is for those who serve it to choose
    sha256 = reference_of(configs, NAMES).parameters[NAMES.network]["onnx_sha256"]
    assert faults(configs) == [
        "mask_rcnn: tensor boxes is FP32 [50, 4], built was FP32 [100, 4]",
        "mask_rcnn_preprocess: parameter resize is opencv, built was pillow",
        "mask_rcnn_network: max_batch_size is 4, built was 8",
        f"mask_rcnn_network: parameter onnx_sha256 is {'0' * 40}…, built was {sha256[:40]}…",
        "mask_rcnn_postprocess: parameter category_ids is missing, built was 1,2,3,5,8,13,21,34",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "has no parameter `reference` in its config.pbtxt: an earlier version"),
        ("{}", "its format is not 'mask-rcnn-triton reference 1'"),
        ("[", "Expecting value"),
        ('{"format": "mask-rcnn-triton reference 1"}', "reference lacks answers, builder_version"),
    ],
)
def test_a_build_without_a_reference_is_told_to_be_built_again(
    configs: Configs, text: str | None, says: str
) -> None:
    if text is None:
        del configs[NAMES.ensemble]["parameters"][PARAMETER]
    else:
        set_parameter(configs[NAMES.ensemble], PARAMETER, text)
    with pytest.raises(ClientError, match="uild the repository again") as error:
        reference_of(configs, NAMES)
    assert says in str(error.value)


def test_canvases_that_are_none_are_refused(configs: Configs) -> None:
    set_parameter(configs[NAMES.preprocess], "canvases", "288x480,480")
    with pytest.raises(ClientError, match="`canvases` of mask_rcnn_preprocess is '288x480,480'"):
        canvases_of(configs, NAMES)


def test_fp32_on_a_gpu_in_onnx_runtime_has_the_digits_of_tf32() -> None:
    on_cpu = {"backend": "python", "instance_group": [{"kind": "KIND_CPU"}]}
    on_gpu = {"backend": "python", "instance_group": [{"kind": "KIND_GPU"}]}
    plan = {"backend": "tensorrt", "instance_group": [{"kind": "KIND_GPU"}]}
    assert [served_precision("fp32", each) for each in (on_cpu, on_gpu, plan)] == [
        "fp32",
        "fp16",
        "fp32",
    ]
    assert served_precision("int8", on_gpu) == "int8"
