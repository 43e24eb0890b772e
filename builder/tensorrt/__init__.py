"""The network as a TensorRT plan, compiled by TensorRT or by TensorRT-RTX over one code path.

What differs between TensorRT 10, TensorRT 11 and TensorRT-RTX is asked of the installed bindings
(`bindings`), never read from a version number. A build passes through the files in this order:
`options`, `parse`, `profiles`, `builder_config` (with `timing_cache` and `progress`), `plan`.
"""

from builder.tensorrt.options import PlanOptions
from builder.tensorrt.plan import PlanBuilder

__all__ = ["PlanBuilder", "PlanOptions"]
