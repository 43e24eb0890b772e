"""`python -m client check`: whether a running server answers as its build did."""
