"""Picture files, and detections drawn into pictures."""
