"""YAML recipes, data."""
