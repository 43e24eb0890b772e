"""Finds a tritonserver on this machine and runs it on a model repository."""
