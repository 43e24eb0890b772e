"""Pre-annotations in Label Studio: an ML backend that asks a served model."""
