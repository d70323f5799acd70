"""The engine: many photos in, answers out."""
