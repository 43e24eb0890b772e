"""Turns detectron2 weights and their YAML into a Triton model repository."""
