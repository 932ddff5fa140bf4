"""From fetched captures to versions in SQLite, and everything that reads them."""
