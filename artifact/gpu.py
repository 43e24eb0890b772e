"""The GPUs that a program started from here would see."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

# cuda.h, CUdevice_attribute
COMPUTE_CAPABILITY_MAJOR = 75
COMPUTE_CAPABILITY_MINOR = 76


@dataclass(frozen=True)
class Gpu:
    """One GPU."""

    name: str
    compute_capability: str
    """Such as 8.6."""

    def __str__(self) -> str:
        return f"{self.name} (compute capability {self.compute_capability})"


def visible_gpus() -> list[Gpu]:
    """Returns the GPUs in CUDA's order, less those that CUDA_VISIBLE_DEVICES hides.

    There are none where there is no driver. No memory of a GPU is taken.
    """
    # The driver itself: nvidia-smi knows nothing of CUDA_VISIBLE_DEVICES and orders otherwise.
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return []
    count = ctypes.c_int()
    if cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count)):
        return []
    return [_gpu(cuda, ordinal) for ordinal in range(count.value)]


def _gpu(cuda: ctypes.CDLL, ordinal: int) -> Gpu:
    device = ctypes.c_int()
    cuda.cuDeviceGet(ctypes.byref(device), ordinal)
    name = ctypes.create_string_buffer(256)
    cuda.cuDeviceGetName(name, len(name), device)
    capability = []
    for attribute in (COMPUTE_CAPABILITY_MAJOR, COMPUTE_CAPABILITY_MINOR):
        value = ctypes.c_int()
        cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        capability.append(str(value.value))
    return Gpu(name.value.decode(), ".".join(capability))
