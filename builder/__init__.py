"""Turns detectron2 weights and their YAML into a Triton model repository."""

__version__ = "0.1.0"
