"""What people touch at a terminal: one file a command."""
