"""Triton's configuration of the four models, from that of the network.

Only the network has a dynamic batcher. The steps around it work picture by picture, so a batch
would gain nothing there, and would keep one instance busy with requests that the other instances
could have begun: each request goes to the first instance that is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from artifact import manifest
from artifact.names import PLAN, ModelNames
from builder.network import ModelConfig
from builder.repository.canvases import canvases
from builder.repository.categories import Category, categories_json
from builder.repository.coco_keypoints import oks_sigmas
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
from builder.repository.reference import Recorded

# On a GPU the timeout acts first: a full queue would leave Triton's batcher asleep beside an idle
# instance, so the size only bounds the memory. A CPU may rightly take minutes for what waits.
_GPU_QUEUE = QueuePolicy(max_queue_size=1024, default_timeout_microseconds=2_000_000)
_CPU_QUEUE = QueuePolicy(max_queue_size=64)

_IMAGE = Tensor("image", DataType.STRING, (1,))
_ORIGINAL_SIZE = Tensor("original_size", DataType.INT32, (2,))

_CANVAS, _IMAGE_SIZE = "canvas", "image_size"
"""The network's inputs, which preprocess makes."""


@dataclass(frozen=True)
class Pipeline:
    """The four models of a build, as far as they are not always the same."""

    config: ModelConfig
    """What the network was built from."""
    inputs: Sequence[manifest.Tensor]
    outputs: Sequence[manifest.Tensor]
    """The network's."""
    categories: Sequence[Category]
    """One for each of the network's classes."""
    names: ModelNames
    max_batch: int
    """Pictures per batch, in each of the models."""
    opt_batch: int
    """Pictures in the batch that a TensorRT plan is tuned for."""
    instances: int
    """Processes of preprocess, and as many of postprocess."""
    onnx_sha256: str | None = None
    """Hash of the network, by which clients tell one build from another; None where there is none,
    as in the checked-in repository."""
    recorded: Recorded | None = None
    """What clients can hold a server against; None as above."""


def ensemble(pipeline: Pipeline) -> TritonModelConfig:
    """What clients call: pictures in, detections out."""
    names, made = pipeline.names, _preprocessed(pipeline)
    found, detections = _names(_network_outputs(pipeline)), _detections(pipeline)
    return TritonModelConfig(
        name=names.ensemble,
        max_batch_size=pipeline.max_batch,
        input=(_IMAGE,),
        output=detections,
        ensemble_steps=(
            EnsembleStep(
                names.preprocess,
                input_map={_IMAGE.name: _IMAGE.name},
                output_map=_unchanged(_names(made)),
            ),
            EnsembleStep(
                names.network,
                input_map=_unchanged(_names(_network_inputs(pipeline))),
                output_map={name: f"network_{name}" for name in found},
            ),
            EnsembleStep(
                names.postprocess,
                input_map={name: f"network_{name}" for name in found}
                | _unchanged([_IMAGE_SIZE, _ORIGINAL_SIZE.name]),
                output_map=_unchanged(_names(detections)),
            ),
        ),
        parameters=_for_clients(pipeline),
        comment="Encoded pictures to detections. The parameters are for clients.",
    )


def _for_clients(pipeline: Pipeline) -> dict[str, str]:
    """The ensemble's parameters."""
    parameters = {"categories": categories_json(pipeline.categories)}
    head = pipeline.config.model.keypoint_head
    if head is not None and (sigmas := oks_sigmas(head.num_keypoints, head.oks_sigmas)):
        parameters["keypoint_oks_sigmas"] = ",".join(map(str, sigmas))
    return parameters


def preprocess(pipeline: Pipeline) -> TritonModelConfig:
    """Encoded pictures to a canvas."""
    config = pipeline.config
    return TritonModelConfig(
        name=pipeline.names.preprocess,
        max_batch_size=pipeline.max_batch,
        backend="python",
        input=(_IMAGE,),
        output=_preprocessed(pipeline),
        instance_group=(InstanceGroup(InstanceKind.CPU, pipeline.instances),),
        parameters={
            "min_size_test": str(config.input.min_size_test),
            "max_size_test": str(config.input.max_size_test),
            "canvases": ",".join(f"{height}x{width}" for height, width in canvases(config)),
            "resize": "pillow",
        },
        comment="Sizes are height, width. `resize` is pillow (detectron2's) or opencv (cheaper). "
        "No dynamic batching: each request goes to the first instance that is free.",
    )


def tensorrt_network(pipeline: Pipeline) -> TritonModelConfig:
    """The network as a TensorRT plan: the default configuration."""
    max_batch = pipeline.max_batch
    profiles = range(len(canvases(pipeline.config)))
    return replace(
        _network(pipeline, "tensorrt"),
        platform="tensorrt_plan",
        default_model_filename=PLAN,
        instance_group=(InstanceGroup(InstanceKind.GPU, 1, profile=tuple(map(str, profiles))),),
        dynamic_batching=DynamicBatching(
            _GPU_QUEUE, tuple(sorted({pipeline.opt_batch, max_batch}))
        ),
        model_warmup=_warmups(pipeline, (max_batch,)),
        comment="The network as a TensorRT plan, with an optimization profile for each canvas. "
        "Requests batch if they are on equal canvases. Each instance has an execution context, "
        "with memory of its own, for each profile; one instance fills a GPU. No CUDA graphs: NMS "
        "is a loop whose rounds depend on the picture, and TensorRT cannot capture one.",
    )


def onnxruntime_network(pipeline: Pipeline) -> TritonModelConfig:
    """The same network in ONNX Runtime on the CPU: ``--model-config-name=onnxruntime``."""
    network = _network(pipeline, "python")
    return replace(
        network,
        instance_group=(InstanceGroup(InstanceKind.CPU, 2),),
        dynamic_batching=DynamicBatching(_CPU_QUEUE, preferred_batch_size=(1,)),
        parameters={
            "runtime": "onnxruntime",
            "intra_op_num_threads": "0",
            **network.parameters,
        },
        comment="The network in ONNX Runtime on the CPU. Requests do not batch: a batch takes as "
        "long as its pictures one by one, and all would wait for the last. Two instances: where "
        "one has work for one core alone, the other goes on. `intra_op_num_threads` 0 shares the "
        "cores out among the instances.",
    )


def onnxruntime_cuda_network(pipeline: Pipeline) -> TritonModelConfig:
    """The same on each GPU, without TensorRT: ``--model-config-name=onnxruntime_cuda``."""
    return _python_gpu_network(
        pipeline,
        {"runtime": "onnxruntime", "intra_op_num_threads": "1"},
        "The network in ONNX Runtime on every GPU. Requests batch whatever their canvases are; "
        "those on equal ones are computed together, in a session for each canvas and each power of "
        "two; the warm-up makes the sessions. Two instances for each GPU: while one gathers its "
        "batch, the other computes. Beside CUDA, more CPU threads than one would only spin.",
    )


def pytorch_network(pipeline: Pipeline) -> TritonModelConfig:
    """The same in PyTorch on each GPU: ``--model-config-name=pytorch``."""
    return _python_gpu_network(
        pipeline,
        {"runtime": "pytorch"},
        "The network in PyTorch on every GPU. Requests batch whatever their canvases are; those on "
        "equal ones are computed together, in a program for each canvas and each power of two; the "
        "warm-up compiles the programs. Two instances for each GPU: while one gathers its batch, "
        "the other computes.",
    )


def _python_gpu_network(
    pipeline: Pipeline, parameters: dict[str, str], comment: str
) -> TritonModelConfig:
    """On each GPU, for batches of powers of two."""
    network = _network(pipeline, "python")
    return replace(
        network,
        input=tuple(
            replace(tensor, allow_ragged_batch=tensor.name == _CANVAS) for tensor in network.input
        ),
        instance_group=(InstanceGroup(InstanceKind.GPU, 2),),
        dynamic_batching=DynamicBatching(_GPU_QUEUE),
        model_warmup=_warmups(
            pipeline, [1 << bit for bit in range(pipeline.max_batch.bit_length())]
        ),
        parameters={**parameters, **network.parameters},
        comment=comment,
    )


def postprocess(pipeline: Pipeline) -> TritonModelConfig:
    """The network's detections to those of the original picture."""
    (image_size,) = (t for t in _network_inputs(pipeline) if t.name == _IMAGE_SIZE)
    return TritonModelConfig(
        name=pipeline.names.postprocess,
        max_batch_size=pipeline.max_batch,
        backend="python",
        input=(*_network_outputs(pipeline), image_size, _ORIGINAL_SIZE),
        output=_detections(pipeline),
        instance_group=(InstanceGroup(InstanceKind.CPU, pipeline.instances),),
        parameters={"category_ids": ",".join(str(c.id) for c in pipeline.categories)},
        comment="Places past num_detections are zero, their masks empty. A mask is the counts of "
        "COCO's compressed RLE. A point is x, y, score. A request may carry the parameter "
        "score_threshold, 0 to 1. No dynamic batching: each request goes to the first instance "
        "that is free.",
    )


def _network(pipeline: Pipeline, backend: str) -> TritonModelConfig:
    """What the network's configurations have in common."""
    sha256 = pipeline.onnx_sha256
    return TritonModelConfig(
        name=pipeline.names.network,
        max_batch_size=pipeline.max_batch,
        backend=backend,
        input=_network_inputs(pipeline),
        output=_network_outputs(pipeline),
        parameters={} if sha256 is None else {"onnx_sha256": sha256},
    )


def _warmups(pipeline: Pipeline, batch_sizes: Sequence[int]) -> tuple[ModelWarmup, ...]:
    """Batches of those sizes on each canvas."""
    return tuple(
        ModelWarmup(
            f"{batch_size}x{height}x{width}",
            batch_size,
            tuple(
                replace(tensor, dims=(height, width, 3)) if tensor.name == _CANVAS else tensor
                for tensor in _network_inputs(pipeline)
            ),
        )
        for height, width in canvases(pipeline.config)
        for batch_size in batch_sizes
    )


def _network_inputs(pipeline: Pipeline) -> tuple[Tensor, ...]:
    return tuple(map(_without_batch, pipeline.inputs))


def _network_outputs(pipeline: Pipeline) -> tuple[Tensor, ...]:
    return tuple(map(_without_batch, pipeline.outputs))


def _without_batch(tensor: manifest.Tensor) -> Tensor:
    return Tensor(tensor.name, DataType[tensor.data_type], tensor.shape[1:])


def _preprocessed(pipeline: Pipeline) -> tuple[Tensor, ...]:
    """What preprocess makes of a picture."""
    return (*_network_inputs(pipeline), _ORIGINAL_SIZE)


def _detections(pipeline: Pipeline) -> tuple[Tensor, ...]:
    """What postprocess makes of the network's outputs."""
    made = []
    for tensor in _network_outputs(pipeline):
        if tensor.name == "classes":
            tensor = replace(tensor, name="category_ids")
        elif tensor.name == "mask_probs":
            tensor = Tensor("masks", DataType.STRING, tensor.dims[:1])
        elif tensor.name == "keypoint_logits":
            tensor = Tensor("keypoints", DataType.FP32, (*tensor.dims[:2], 3))
        elif tensor.name == "keypoint_normalizers":
            continue  # What a point's score is divided by.
        made.append(tensor)
    return tuple(made)


def _names(tensors: Iterable[Tensor]) -> list[str]:
    return [tensor.name for tensor in tensors]


def _unchanged(names: Iterable[str]) -> dict[str, str]:
    return {name: name for name in names}
