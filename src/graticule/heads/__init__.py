"""Vector to belief."""
