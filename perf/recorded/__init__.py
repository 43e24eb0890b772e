"""A stand-in for the network that answers from recorded outputs, to measure all around it."""
