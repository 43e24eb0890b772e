"""Client of the served ensemble `mask_rcnn`: COCO evaluation, and prediction with pictures.

>>> from client.evaluate import evaluate
>>> summary = evaluate("coco/val2017", "coco/annotations/instances_val2017.json")
>>> summary.metrics["bbox"].values["AP"]
"""
