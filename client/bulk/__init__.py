"""Millions of pictures through Ray Data, in a run that can be broken off and resumed."""
