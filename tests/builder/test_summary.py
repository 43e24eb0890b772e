from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from artifact.manifest import FileRecord, Plan
from artifact.names import DEFAULT_NAME, ModelNames
from builder.network import load_config, network_spec
from builder.repository.categories import Category
from builder.summary import summary
from tests.example_plan import BUILD_ON_AN_A10, PLAN_ON_AN_A10

CONFIG = load_config(Path(__file__).resolve().parents[2] / "demo/mask_rcnn_R_50_C4_shapes.yaml")
SPEC = network_spec(CONFIG)
PLAN = dataclasses.replace(PLAN_ON_AN_A10, file=FileRecord("model.plan", 49_354_780, "0"))
SERVE = "  python -m server --repository '/my models'"
ONNXRUNTIME = f"{SERVE} --model-config-name onnxruntime"


EVALUATE = ["and evaluate it with", "  python -m client evaluate --images DIR --annotations FILE"]


def lines(plan: Plan | None, name: str = DEFAULT_NAME) -> list[str]:
    network = FileRecord("model.onnx", 4_834_733, "0")
    build = dataclasses.replace(BUILD_ON_AN_A10, onnx=network, plan=plan)
    text = summary(
        Path("/my models"), ModelNames(name), CONFIG, SPEC, [Category(1, "circle")], build
    )
    return text.splitlines()


def test_both_files_are_named_with_their_sizes_and_what_they_are_for() -> None:
    said = lines(PLAN)
    assert said[0] == "model        Mask R-CNN R50-C4, 2,236,380 parameters, fp16"
    assert said[4:6] == [
        "network      /my models/mask_rcnn_network/1/model.onnx (4.8 MB), for ONNX Runtime",
        "plan         /my models/mask_rcnn_network/1/model.plan (49.4 MB), TensorRT 10.16.1.11 for "
        "compute capability 8.6 of NVIDIA A10",
    ]


def test_a_compatible_plan_says_so() -> None:
    plan = dataclasses.replace(PLAN, hardware_compatibility="ampere_plus")
    assert lines(plan)[5].endswith("8.6 of NVIDIA A10, compatible: ampere plus")


@pytest.mark.parametrize(
    ("plan", "how_to_serve"),
    [
        (None, ["Serve it with", ONNXRUNTIME]),
        (
            PLAN,
            ["Serve the plan with", SERVE, "or the network beside it with", ONNXRUNTIME],
        ),
        (
            dataclasses.replace(PLAN, version_compatible=True),
            [
                "Serve the plan with",
                f"{SERVE} -- --backend-config=tensorrt,version-compatible=true",
                "or the network beside it with",
                ONNXRUNTIME,
            ],
        ),
        (
            dataclasses.replace(PLAN, runtime="tensorrt_rtx", gpu=None),
            [
                "Triton's TensorRT backend does not load plans of TensorRT-RTX: this one is for",
                "applications that use TensorRT-RTX themselves. Serve the network beside it with",
                ONNXRUNTIME,
            ],
        ),
    ],
    ids=["no plan", "TensorRT", "version compatible", "TensorRT-RTX"],
)
def test_it_ends_with_the_commands_that_serve_and_evaluate_it(
    plan: Plan | None, how_to_serve: list[str]
) -> None:
    said = lines(plan)
    assert said[said.index("") + 1 :] == how_to_serve + EVALUATE


def test_the_models_are_named_and_the_client_is_told_another_name_than_the_default() -> None:
    said = lines(None, "birds")
    assert said[3] == (
        "served as    birds, made of birds_preprocess, birds_network, birds_postprocess"
    )
    assert "/my models/birds_network/1/model.onnx (4.8 MB)" in said[4]
    assert said[-1] == ("  python -m client evaluate --model birds --images DIR --annotations FILE")
