"""What was found, as other tools have it."""
