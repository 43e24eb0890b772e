"""Client of a served model: COCO evaluation, and prediction with pictures.

>>> from client.connection.settings import Connection
>>> from client.evaluate import evaluate
>>> connection = Connection("127.0.0.1:8001")
>>> summary = evaluate("coco/val2017", "coco/annotations/instances_val2017.json", connection)
>>> summary.metrics["bbox"].values["AP"]
"""
