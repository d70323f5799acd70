"""The bundled models, data."""
