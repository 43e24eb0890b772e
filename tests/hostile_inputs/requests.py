"""Requests as they travel over gRPC, and those that are wrong in something but their picture."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from tritonclient.grpc import service_pb2

from tests.hostile_inputs.served import JPEG, in_bytes_tensor

ONE = in_bytes_tensor(JPEG)
MOST = 8
"""Pictures that the demo's models take in a request."""

_PARAMETER_FIELDS: dict[type, str] = {
    bool: "bool_param",
    int: "int64_param",
    float: "double_param",
    str: "string_param",
}


def request(
    raw: bytes | None = ONE,
    shape: Sequence[int] = (1, 1),
    datatype: str = "BYTES",
    *,
    name: str = "image",
    model: str = "mask_rcnn",
    version: str = "",
    outputs: Sequence[str] = ("num_detections",),
    **parameters: object,
) -> Any:
    """A ModelInferRequest with one input.

    Args:
        raw: the input's content; None for none.
        shape, datatype, name: of the input, as the request declares them.
        parameters: of the request.
    """
    message = service_pb2.ModelInferRequest(model_name=model, model_version=version)
    message.inputs.add(name=name, shape=shape, datatype=datatype)
    if raw is not None:
        message.raw_input_contents.append(raw)
    for output in outputs:
        message.outputs.add(name=output)
    for key, value in parameters.items():
        setattr(message.parameters[key], _PARAMETER_FIELDS[type(value)], value)
    return message


def pictures(*files: bytes, **options: Any) -> Any:
    """A ModelInferRequest of these pictures."""
    return request(in_bytes_tensor(*files), (len(files), 1), **options)


def classification(output: str, count: int) -> Any:
    """A ModelInferRequest that asks for the largest values of an output, as text."""
    message = request(outputs=[output])
    message.outputs[0].parameters["classification"].int64_param = count
    return message


def _without_inputs() -> Any:
    message = request()
    message.ClearField("inputs")
    message.ClearField("raw_input_contents")
    return message


def _with_second_input(name: str) -> Any:
    message = request()
    message.inputs.add(name=name, shape=[1, 1], datatype="BYTES")
    message.raw_input_contents.append(ONE)
    return message


def _with_contents(raw: bytes | None = None, **contents: Sequence[object]) -> Any:
    message = request(raw)
    for field, values in contents.items():
        getattr(message.inputs[0].contents, field).extend(values)
    return message


def _in_shared_memory(of: str) -> Any:
    message = request(None if of == "inputs" else ONE)
    parameters = getattr(message, of)[0].parameters
    parameters["shared_memory_region"].string_param = "../../etc/passwd"
    parameters["shared_memory_byte_size"].int64_param = 10
    return message


def _with_parameter_of_no_type() -> Any:
    message = request()
    message.parameters["score_threshold"].SetInParent()
    return message


Row = tuple[Any, str]

_THRESHOLD = "request parameter score_threshold is {}; expected a number from 0 to 1"

INVALID: Mapping[str, Row] = {
    # What Triton's core says.
    "no input": (_without_inputs(), "missing required input(s) ['image']"),
    "input of another name": (request(name="picture"), "unexpected inference input 'picture'"),
    "input that is not there": (_with_second_input("mask"), "expected 1 inputs but got 2"),
    "input twice": (_with_second_input("image"), "input 'image' already exists in request"),
    "output that is not there": (
        request(outputs=["polygons"]),
        "unexpected inference output 'polygons' for model 'mask_rcnn'",
    ),
    "UINT8": (
        request(JPEG, (1, len(JPEG)), "UINT8"),
        "input 'image' data-type is 'UINT8', but model 'mask_rcnn' expects 'BYTES'",
    ),
    "FP32": (request(bytes(4), datatype="FP32"), "data-type is 'FP32'"),
    "no datatype": (request(datatype=""), "data-type is '<invalid>'"),
    "unknown datatype": (request(datatype="JPEG"), "data-type is '<invalid>'"),
    "no rank": (request(shape=()), "input 'image' has no shape"),
    "rank 1": (request(shape=[1]), "input 'image' for model 'mask_rcnn'. Expected [-1,1], got [1]"),
    "rank 3": (request(shape=[1, 1, 1]), "Expected [-1,1], got [1,1,1]"),
    "two in the second dimension": (
        request(in_bytes_tensor(JPEG, JPEG), (1, 2)),
        "Expected [-1,1], got [1,2]",
    ),
    "none in the second dimension": (request(b"", (1, 0)), "Expected [-1,1], got [1,0]"),
    "batch of none": (request(b"", (0, 1)), "string elements for inference input 'image'"),
    "batch over the limit": (
        request(in_bytes_tensor(*[JPEG] * (MOST + 1)), (MOST + 1, 1)),
        f"batch-size must be <= {MOST} for 'mask_rcnn'",
    ),
    "batch of -1": (request(shape=(-1, 1)), "string elements for inference input 'image'"),
    "-1 in the second dimension": (request(shape=(1, -1)), "input 'image'"),
    "more elements than the shape": (
        request(in_bytes_tensor(JPEG, JPEG)),
        "unexpected number of string elements 2 for inference input 'image'",
    ),
    "fewer elements than the shape": (
        request(shape=(2, 1)),
        "expected 2 string elements for inference input 'image' for model 'mask_rcnn', got 1",
    ),
    "no content": (request(None), "unable to find data for input tensor 'image'"),
    "content of no bytes": (request(b""), "expected 1 string elements for inference input 'image'"),
    "length of 3 bytes": (request(b"\1\0\0"), "expecting 4 bytes but only 3 bytes available"),
    "length one too high": (
        request(struct.pack("<I", len(JPEG) + 1) + JPEG),
        f"expecting string of length {len(JPEG) + 1} but only {len(JPEG)} bytes available",
    ),
    "length of 4 GB": (
        request(b"\xff" * 4 + JPEG),
        "incomplete string data for inference input 'image', expecting string of length 4294967295",
    ),
    "length one too low": (
        request(struct.pack("<I", len(JPEG) - 1) + JPEG),
        "incomplete string length indicator for inference input 'image'",
    ),
    "length 0 before a picture": (request(bytes(4) + JPEG), "inference input 'image'"),
    "no length": (request(JPEG), "incomplete string data for inference input 'image'"),
    "length with its bytes reversed": (
        request(struct.pack(">I", len(JPEG)) + JPEG),
        "incomplete string data for inference input 'image'",
    ),
    "a byte too many": (request(ONE + b"x"), "inference input 'image'"),
    "contents of another type": (
        _with_contents(int_contents=[1]),
        "unexpected explicit tensor data for input tensor 'image'",
    ),
    "contents twice": (
        _with_contents(ONE, bytes_contents=[JPEG]),
        "contents field must not be specified when using raw_input_contents for 'image'",
    ),
    "more contents than the shape": (
        _with_contents(bytes_contents=[JPEG, JPEG]),
        "unexpected number of string elements 2 for inference input 'image'",
    ),
    "version that is a word": (request(version="newest"), "version string 'newest'"),
    "version -1": (request(version="-1"), "model version specified '-1'"),
    "priority -1": (request(priority=-1), "invalid value for 'priority'"),
    "parameter of no type": (_with_parameter_of_no_type(), "'score_threshold' parameter"),
    "classification of 0": (classification("scores", 0), "'classification' parameter"),
    # What the models say.
    **{
        f"score_threshold {value!r}": (
            request(score_threshold=value),
            _THRESHOLD.format(repr(value)),
        )
        for value in (float("nan"), float("inf"), -1.0, -1, 2, 1.0001, "0.5", "high", True)
    },
    "a bad picture of several": (
        pictures(JPEG, JPEG, b"text"),
        "image 2 of the request (counted from 0, of 3): its 4 bytes, which begin with b'text'",
    ),
}
"""Requests answered with INVALID_ARGUMENT, and words of the answer."""

NOT_FOUND: Mapping[str, Row] = {
    "unknown model": (request(model="mask_rcn"), "unknown model: 'mask_rcn'"),
    "no model": (request(model=""), "unknown model: ''"),
    "model that is a path": (request(model="../mask_rcnn"), "unknown model: '../mask_rcnn'"),
    "unknown version": (request(version="7"), "'mask_rcnn' version 7 is not found"),
    "input in shared memory that is not there": (
        _in_shared_memory("inputs"),
        "Unable to find shared memory region: '../../etc/passwd'",
    ),
    "output in shared memory that is not there": (
        _in_shared_memory("outputs"),
        "Unable to find shared memory region: '../../etc/passwd'",
    ),
}
"""Requests answered with NOT_FOUND: they are for something that the server does not have."""

_ODD_PARAMETER: Mapping[str, Any] = {'a"b\n\0': 'c"\\\0\n'}

ANSWERED: Mapping[str, Any] = {
    "contents outside raw_input_contents": _with_contents(bytes_contents=[JPEG]),
    "output named twice": request(outputs=["scores", "scores"]),
    "batch of 2**32 + 1, which Triton takes for 1": request(shape=(2**32 + 1, 1)),
    "unknown parameter": request(nonsense=1),
    "parameter with quotes and line breaks": request(**_ODD_PARAMETER),
    "id of 100 kB": service_pb2.ModelInferRequest(id="x" * 100_000),
    "classification of 2**62 values": classification("scores", 2**62),
}
"""Requests that look odd and get a result."""
ANSWERED["id of 100 kB"].MergeFrom(request())
