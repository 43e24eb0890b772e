"""Evaluation on COCO's and LVIS's data sets: annotations, results, average precision."""
