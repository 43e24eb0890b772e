"""Evaluation on COCO's data sets: annotations, results, average precision."""
