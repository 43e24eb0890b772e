"""Bars, curves and the page round them, as the reports of `client` and `perf` have them."""
