"""Proposal generators: feature maps to boxes that may hold an object."""

from builder.network.proposals.rpn import RPNSettings

PROPOSAL_GENERATORS = {"RPN": RPNSettings}
"""By detectron2's names, its default first; the settings build the part."""
