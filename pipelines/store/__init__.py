"""One SQLite file: schema, migrations, the writer of a crawl, the questions that readers ask."""
