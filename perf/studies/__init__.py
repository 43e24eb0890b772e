"""Measurements that perf_analyzer cannot make."""
