"""A live page: a picture is dropped on it, and what a served model finds is seen over it."""
