"""One HTML page and a CSV of results: throughput against latency, and where the time goes."""
