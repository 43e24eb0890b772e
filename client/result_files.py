"""What the files in an evaluation's folder are called."""

from __future__ import annotations

RESULTS = "results.jsonl"
COCO_RESULTS = "coco_instances_results.json"
SUMMARY = "summary.json"
REPORT = "report.html"
