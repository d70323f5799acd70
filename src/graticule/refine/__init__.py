"""Belief to point."""
