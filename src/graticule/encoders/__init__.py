"""Photo to vector."""
