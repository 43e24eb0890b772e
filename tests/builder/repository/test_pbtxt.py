from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from builder.repository.pbtxt import (
    DataType,
    DynamicBatching,
    EnsembleStep,
    InstanceGroup,
    InstanceKind,
    ModelWarmup,
    QueuePolicy,
    Tensor,
    TritonModelConfig,
)

IMAGE = Tensor("image", DataType.STRING, (1,))
CANVAS = Tensor("canvas", DataType.UINT8, (-1, -1, 3))
BOXES = Tensor("boxes", DataType.FP32, (100, 4))
QUEUE = QueuePolicy(max_queue_size=64)
WARMUP = ModelWarmup("480x640", 4, (Tensor("canvas", DataType.UINT8, (480, 640, 3)),))
DECODE = EnsembleStep("decoder", {"picture": "image"}, {"pixels": "canvas"})
DETECT = EnsembleStep("detector", {"pixels": "canvas"}, {"found": "boxes"})


def model(**changes: Any) -> TritonModelConfig:
    fields: dict[str, Any] = {
        "name": "detector",
        "max_batch_size": 8,
        "input": (CANVAS,),
        "output": (BOXES,),
        "backend": "python",
    }
    return TritonModelConfig(**fields | changes)


def ensemble(**changes: Any) -> TritonModelConfig:
    steps = {"name": "all", "input": (IMAGE,), "ensemble_steps": (DECODE, DETECT), "backend": ""}
    return model(**steps | changes)


def parsed(config: TritonModelConfig) -> Any:
    return text_format.Parse(config.pbtxt(), ModelConfig())


def test_protobuf_reads_a_model_as_it_was_meant() -> None:
    config = parsed(
        model(
            platform="tensorrt_plan",
            backend="tensorrt",
            default_model_filename="model.plan",
            instance_group=(InstanceGroup(InstanceKind.CPU, 2),),
            dynamic_batching=DynamicBatching(QUEUE),
            parameters={"resize": "pillow"},
        )
    )
    assert (config.name, config.max_batch_size) == ("detector", 8)
    assert (config.platform, config.backend) == ("tensorrt_plan", "tensorrt")
    assert config.default_model_filename == "model.plan"
    assert (config.input[0].name, list(config.input[0].dims)) == ("canvas", [-1, -1, 3])
    assert (config.output[0].name, list(config.output[0].dims)) == ("boxes", [100, 4])
    assert ModelConfig().input.add(data_type="TYPE_UINT8").data_type == config.input[0].data_type
    assert config.instance_group[0].count == 2
    assert config.instance_group[0].kind == config.instance_group[0].KIND_CPU
    assert not config.input[0].allow_ragged_batch
    policy = config.dynamic_batching.default_queue_policy
    assert (policy.max_queue_size, policy.default_timeout_microseconds) == (64, 0)
    assert config.parameters["resize"].string_value == "pillow"


def test_protobuf_reads_a_tensorrt_model_as_it_was_meant() -> None:
    config = parsed(
        model(
            backend="tensorrt",
            input=(dataclasses.replace(CANVAS, allow_ragged_batch=True),),
            instance_group=(InstanceGroup(InstanceKind.GPU, 1, profile=("0", "1")),),
            dynamic_batching=DynamicBatching(QueuePolicy(1024, 2_000_000), (4, 8)),
            model_warmup=(WARMUP, dataclasses.replace(WARMUP, name="again", batch_size=8)),
        )
    )
    [group] = config.instance_group
    assert (group.kind, group.count, list(group.profile)) == (group.KIND_GPU, 1, ["0", "1"])
    assert config.input[0].allow_ragged_batch
    assert list(config.dynamic_batching.preferred_batch_size) == [4, 8]
    policy = config.dynamic_batching.default_queue_policy
    assert (policy.max_queue_size, policy.default_timeout_microseconds) == (1024, 2_000_000)
    assert policy.timeout_action == policy.REJECT
    assert [(w.name, w.batch_size) for w in config.model_warmup] == [("480x640", 4), ("again", 8)]
    canvas = config.model_warmup[0].inputs["canvas"]
    assert (canvas.data_type, list(canvas.dims)) == (config.input[0].data_type, [480, 640, 3])
    assert canvas.zero_data


def test_protobuf_reads_an_ensemble_as_it_was_meant() -> None:
    config = parsed(ensemble())
    assert config.platform == "ensemble"
    steps = config.ensemble_scheduling.step
    assert [step.model_name for step in steps] == ["decoder", "detector"]
    assert [step.model_version for step in steps] == [-1, -1]
    assert dict(steps[0].input_map) == {"picture": "image"}
    assert dict(steps[1].output_map) == {"found": "boxes"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "800x1344,1344x800",
        '[{"id": 1, "name": "person"}]',
        "it's",
        'it\'s "both"',
        "back\\slash \\n",
        "two\nlines",
        "long " * 60,
        '["long",\n' + '"lines with \\u00e9",\n' * 30 + "]\n",
        "naïve 猫",
    ],
)
def test_protobuf_reads_back_each_parameter(text: str) -> None:
    assert parsed(model(parameters={"key": text})).parameters["key"].string_value == text


def test_equal_configurations_are_the_same_text_that_begins_with_the_comment() -> None:
    text = model(comment="What it is for. " * 10).pbtxt()
    assert text == model(comment="What it is for. " * 10).pbtxt()
    assert text.startswith("# What it is for.")
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Tensor("", DataType.INT32, (1,)), "has no name"),
        (lambda: Tensor("boxes", DataType.FP32, ()), r"tensor boxes: dims are \(\)"),
        (lambda: Tensor("boxes", DataType.FP32, (0, 4)), r"tensor boxes: dims are \(0, 4\)"),
        (lambda: Tensor("boxes", DataType.FP32, (-2,)), r"tensor boxes: dims are \(-2,\)"),
        (lambda: InstanceGroup(InstanceKind.CPU, 0), "0 instances"),
        (lambda: QueuePolicy(0), "holds no request"),
        (lambda: QueuePolicy(64, -1), "a timeout below 0"),
        (lambda: InstanceGroup(InstanceKind.CPU, 1, ("0",)), "not on GPUs has optimization prof"),
        (lambda: ModelWarmup("any", 1, (CANVAS,)), "warm-up any has an input whose shape is not"),
        (
            lambda: model(dynamic_batching=DynamicBatching(QUEUE, (4, 9))),
            r"dynamic_batching has batches of \(4, 9\); expected 1 to 8",
        ),
        (
            lambda: model(model_warmup=(dataclasses.replace(WARMUP, batch_size=0),)),
            r"warm-up 480x640 has batches of \(0,\); expected 1 to 8",
        ),
        (
            lambda: model(input=(CANVAS, IMAGE), model_warmup=(WARMUP,)),
            "warm-up 480x640 has other inputs",
        ),
        (lambda: ensemble(model_warmup=(WARMUP,)), "no model_warmup"),
        (lambda: EnsembleStep("decoder", {}, {"pixels": "canvas"}), "decoder maps no inputs"),
        (lambda: EnsembleStep("decoder", {"picture": "image"}, {}), "decoder maps no inputs or no"),
        (lambda: model(max_batch_size=0), "detector: max_batch_size is 0"),
        (lambda: model(input=()), "its input is"),
        (lambda: model(output=(BOXES, BOXES)), "its output is .* expected distinct"),
        (lambda: model(backend=""), "either a backend or ensemble steps"),
        (lambda: ensemble(backend="python"), "either a backend or ensemble steps"),
        (lambda: ensemble(dynamic_batching=DynamicBatching(QUEUE)), "no dynamic_batching"),
        (
            lambda: ensemble(instance_group=(InstanceGroup(InstanceKind.CPU, 1),)),
            "no instance_group",
        ),
        (
            lambda: ensemble(ensemble_steps=(DETECT, DECODE)),
            r"step detector takes \['canvas'\], which are neither inputs nor made by a step before",
        ),
        (
            lambda: ensemble(ensemble_steps=(DECODE,)),
            r"no step makes the output \['boxes'\]",
        ),
    ],
)
def test_what_triton_would_refuse_cannot_be_made(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
