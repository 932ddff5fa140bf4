"""A local archive: serves WARC files on 127.0.0.1 as the Wayback Machine would."""
