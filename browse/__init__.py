"""The corpus in Datasette."""
