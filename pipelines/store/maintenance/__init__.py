"""Work on the whole database: verify, compact, back up, re-extract."""
