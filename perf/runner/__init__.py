"""Measuring a scenario with perf_analyzer."""
