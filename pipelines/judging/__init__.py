"""What a page says, counted as concepts that are the same in every language, and weighed."""
