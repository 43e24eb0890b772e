"""Measures a served model with perf_analyzer, and reports where the time goes."""
