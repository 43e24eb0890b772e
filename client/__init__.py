"""Client of a served model: a detector for Python, COCO evaluation, and prediction with pictures.

>>> from client import Detector
>>> detector = Detector("127.0.0.1:8001", model="mask_rcnn")
>>> found = detector("photo.jpg")
>>> found.class_names, found.scores, found.boxes, found.masks
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from client.detector import AsyncDetector, Detector
    from client.errors import ClientError, PictureError, RequestFailed, ServerUnavailable
    from client.result import Result

__all__ = [
    "AsyncDetector",
    "ClientError",
    "Detector",
    "PictureError",
    "RequestFailed",
    "Result",
    "ServerUnavailable",
]

_MODULES = {"AsyncDetector": "detector", "Detector": "detector", "Result": "result"}
"""The modules of those that are not in `errors`."""


def __getattr__(name: str) -> Any:
    """Imported when asked for: `client.coco` and others need no client library of Triton's."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES.get(name, 'errors')}", __name__), name)
