"""Proposal generators: feature maps to boxes that may hold an object."""
