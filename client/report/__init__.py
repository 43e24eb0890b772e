"""One HTML page about an evaluation: where its average precision goes, with the pictures."""
