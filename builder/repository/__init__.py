"""The Triton model repository: `models` configures it in terms of `pbtxt`, `write` writes it."""
