"""What a served model finds, for those who annotate pictures: Label Studio, CVAT, FiftyOne."""
