"""Losses, sampling, phases, the loop."""
