"""For other programs: one file a format."""
