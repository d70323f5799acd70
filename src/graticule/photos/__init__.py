"""Photos opened safely, and the tables that list them."""
