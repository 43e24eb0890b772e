"""What was found held against what is annotated, detection by detection."""
