"""What a build holds (`description`), and whether it fits this machine (`fit`)."""

from builder.inspect.inspect import inspect

__all__ = ["inspect"]
