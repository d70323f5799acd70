"""The engine: many photos in, answers out, in bounded memory, resumable."""
