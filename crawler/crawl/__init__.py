"""One site, one run: what is asked next, and what came of it."""
