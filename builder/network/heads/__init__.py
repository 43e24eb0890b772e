"""RoI heads: proposals, pooled from feature maps, to detections."""
