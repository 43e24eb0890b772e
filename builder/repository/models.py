"""Triton's configuration of the four models, from the configuration of the network.

Only the network has a dynamic batcher. The steps around it work picture by picture, so a batch
would gain nothing there, and would keep one instance busy with requests that the other instances
could have begun: each request goes to the first instance that is free.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from builder.network import ModelConfig
from builder.repository.canvases import canvases
from builder.repository.categories import Category, categories_json
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

ENSEMBLE = "mask_rcnn"
PREPROCESS = "mask_rcnn_preprocess"
NETWORK = "mask_rcnn_network"
POSTPROCESS = "mask_rcnn_postprocess"
NAMES = (ENSEMBLE, PREPROCESS, NETWORK, POSTPROCESS)

# On a GPU the timeout acts first: a full queue would leave Triton's batcher asleep beside an idle
# instance, so the size only bounds the memory. A CPU may rightly take minutes for what waits.
_GPU_QUEUE = QueuePolicy(max_queue_size=1024, default_timeout_microseconds=2_000_000)
_CPU_QUEUE = QueuePolicy(max_queue_size=64)

_IMAGE = Tensor("image", DataType.STRING, (1,))
_CANVAS = Tensor("canvas", DataType.UINT8, (-1, -1, 3))
_IMAGE_SIZE = Tensor("image_size", DataType.INT32, (2,))
_ORIGINAL_SIZE = Tensor("original_size", DataType.INT32, (2,))


def ensemble(
    config: ModelConfig, categories: Sequence[Category], max_batch: int
) -> TritonModelConfig:
    """``mask_rcnn``, which clients call: pictures in, detections out."""
    detected = _names(_network_outputs(config))
    return TritonModelConfig(
        name=ENSEMBLE,
        max_batch_size=max_batch,
        input=(_IMAGE,),
        output=_detections(config),
        ensemble_steps=(
            EnsembleStep(
                PREPROCESS,
                input_map={_IMAGE.name: _IMAGE.name},
                output_map=_unchanged(_names((_CANVAS, _IMAGE_SIZE, _ORIGINAL_SIZE))),
            ),
            EnsembleStep(
                NETWORK,
                input_map=_unchanged(_names((_CANVAS, _IMAGE_SIZE))),
                output_map={name: f"network_{name}" for name in detected},
            ),
            EnsembleStep(
                POSTPROCESS,
                input_map={name: f"network_{name}" for name in detected}
                | _unchanged(_names((_IMAGE_SIZE, _ORIGINAL_SIZE))),
                output_map=_unchanged(_names(_detections(config))),
            ),
        ),
        parameters={"categories": categories_json(categories)},
        comment="Encoded pictures to detections. The parameter `categories` is for clients.",
    )


def preprocess(config: ModelConfig, max_batch: int, instances: int) -> TritonModelConfig:
    """Encoded pictures to a canvas."""
    return TritonModelConfig(
        name=PREPROCESS,
        max_batch_size=max_batch,
        backend="python",
        input=(_IMAGE,),
        output=(_CANVAS, _IMAGE_SIZE, _ORIGINAL_SIZE),
        instance_group=(InstanceGroup(InstanceKind.CPU, instances),),
        parameters={
            "min_size_test": str(config.input.min_size_test),
            "max_size_test": str(config.input.max_size_test),
            "canvases": ",".join(f"{height}x{width}" for height, width in canvases(config)),
            "resize": "pillow",
        },
        comment="Sizes are height, width. `resize` is pillow (detectron2's) or opencv (cheaper). "
        "No dynamic batching: each request goes to the first instance that is free.",
    )


def tensorrt_network(
    config: ModelConfig, max_batch: int, opt_batch: int, onnx_sha256: str | None
) -> TritonModelConfig:
    """The network as a TensorRT plan: the default configuration."""
    sizes = canvases(config)
    return TritonModelConfig(
        name=NETWORK,
        max_batch_size=max_batch,
        backend="tensorrt",
        platform="tensorrt_plan",
        default_model_filename="model.plan",
        input=(_CANVAS, _IMAGE_SIZE),
        output=_network_outputs(config),
        instance_group=(
            InstanceGroup(InstanceKind.GPU, 1, profile=tuple(map(str, range(len(sizes))))),
        ),
        dynamic_batching=DynamicBatching(_GPU_QUEUE, tuple(sorted({opt_batch, max_batch}))),
        model_warmup=_warmups(sizes, (max_batch,)),
        parameters=_identity(onnx_sha256),
        comment="The network as a TensorRT plan, with an optimization profile for each canvas. "
        "Requests batch if they are on equal canvases. Each instance has an execution context, "
        "with memory of its own, for each profile; one instance fills a GPU. No CUDA graphs: NMS "
        "is a loop whose rounds depend on the picture, and TensorRT cannot capture one.",
    )


def onnxruntime_network(
    config: ModelConfig, max_batch: int, onnx_sha256: str | None
) -> TritonModelConfig:
    """The same network in ONNX Runtime on the CPU: ``--model-config-name=onnxruntime``."""
    return TritonModelConfig(
        name=NETWORK,
        max_batch_size=max_batch,
        backend="python",
        input=(_CANVAS, _IMAGE_SIZE),
        output=_network_outputs(config),
        instance_group=(InstanceGroup(InstanceKind.CPU, 2),),
        dynamic_batching=DynamicBatching(_CPU_QUEUE, preferred_batch_size=(1,)),
        parameters={"intra_op_num_threads": "0", **_identity(onnx_sha256)},
        comment="The network in ONNX Runtime on the CPU. Requests do not batch: a batch takes as "
        "long as its pictures one by one, and all would wait for the last. Two instances: where "
        "one has work for one core alone, the other goes on. `intra_op_num_threads` 0 shares the "
        "cores out among the instances.",
    )


def onnxruntime_cuda_network(
    config: ModelConfig, max_batch: int, onnx_sha256: str | None
) -> TritonModelConfig:
    """The same on each GPU, without TensorRT: ``--model-config-name=onnxruntime_cuda``."""
    return TritonModelConfig(
        name=NETWORK,
        max_batch_size=max_batch,
        backend="python",
        input=(dataclasses.replace(_CANVAS, allow_ragged_batch=True), _IMAGE_SIZE),
        output=_network_outputs(config),
        instance_group=(InstanceGroup(InstanceKind.GPU, 2),),
        dynamic_batching=DynamicBatching(_GPU_QUEUE),
        model_warmup=_warmups(
            canvases(config), [1 << bit for bit in range(max_batch.bit_length())]
        ),
        parameters={"intra_op_num_threads": "1", **_identity(onnx_sha256)},
        comment="The network in ONNX Runtime on every GPU. Requests batch whatever their canvases "
        "are; those on equal ones are computed together, in a session for each canvas and each "
        "power of two; the warm-up makes the sessions. Two instances for each GPU: while one "
        "gathers its batch, the other computes. Beside CUDA, more CPU threads than one would only "
        "spin.",
    )


def _warmups(
    sizes: Sequence[tuple[int, int]], batch_sizes: Sequence[int]
) -> tuple[ModelWarmup, ...]:
    """Batches of those sizes on canvases of those heights and widths."""
    return tuple(
        ModelWarmup(
            f"{batch_size}x{height}x{width}",
            batch_size,
            (dataclasses.replace(_CANVAS, dims=(height, width, 3)), _IMAGE_SIZE),
        )
        for height, width in sizes
        for batch_size in batch_sizes
    )


def postprocess(
    config: ModelConfig, categories: Sequence[Category], max_batch: int, instances: int
) -> TritonModelConfig:
    """The network's detections to those of the original picture."""
    return TritonModelConfig(
        name=POSTPROCESS,
        max_batch_size=max_batch,
        backend="python",
        input=(*_network_outputs(config), _IMAGE_SIZE, _ORIGINAL_SIZE),
        output=_detections(config),
        instance_group=(InstanceGroup(InstanceKind.CPU, instances),),
        parameters={"category_ids": ",".join(str(category.id) for category in categories)},
        comment="Places past num_detections are zero, their masks empty. A mask is the counts of "
        "COCO's compressed RLE. A request may carry the parameter score_threshold, 0 to 1. "
        "No dynamic batching: each request goes to the first instance that is free.",
    )


def _network_outputs(config: ModelConfig) -> tuple[Tensor, ...]:
    return tuple(
        Tensor(output.name, DataType[output.data_type], output.shape[1:])
        for output in config.model.roi_heads.outputs()
    )


def _detections(config: ModelConfig) -> tuple[Tensor, ...]:
    detections = config.model.roi_heads.box_predictor.detections_per_image
    outputs = (
        Tensor("num_detections", DataType.INT32, (1,)),
        Tensor("boxes", DataType.FP32, (detections, 4)),
        Tensor("scores", DataType.FP32, (detections,)),
        Tensor("category_ids", DataType.INT32, (detections,)),
    )
    if config.model.roi_heads.mask_head is None:
        return outputs
    return (*outputs, Tensor("masks", DataType.STRING, (detections,)))


def _identity(onnx_sha256: str | None) -> dict[str, str]:
    """The parameter by which clients tell one built network from another."""
    return {} if onnx_sha256 is None else {"onnx_sha256": onnx_sha256}


def _names(tensors: Sequence[Tensor]) -> list[str]:
    return [tensor.name for tensor in tensors]


def _unchanged(names: Sequence[str]) -> dict[str, str]:
    return {name: name for name in names}
