"""What the network that was built answers to a few pictures, for `python -m client check`."""

from builder.reference.answers import reference_answers

__all__ = ["reference_answers"]
