"""detectron2's configuration: YAML files with their bases, and what each setting may be."""

from builder.config.load import ModelConfig, load_config

__all__ = ["ModelConfig", "load_config"]
