"""Out: one file a format, behind the table in pipelines/exchange/formats.py."""
