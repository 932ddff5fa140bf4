"""What our databases are known by; readers need not load sqlite-utils (0.1 s) for it."""

APPLICATION_ID = 0x504F4C41
"""'POLA' in the file's header: tells our databases from others'."""
MIGRATION_SET = "policy_archive"
"""The name under which sqlite-utils notes our migrations."""
MIGRATIONS = (
    "m001_tables",
    "m002_policy_versions",
    "m003_full_text",
    "m004_upkeep",
    "m005_words",
    "m006_classes",
    "m007_origins",
    "m008_search",
    "m009_site_lines",
    "m010_alerts",
    "m011_archives",
    "m012_unweighed",
    "m013_packed_texts",
    "m014_link_sets",
)
"""Names of all migrations, in order; a test holds them against pipelines/store/schema.py."""

TABLES = (
    "sites", "documents", "addresses", "listings", "captures", "bodies", "extractions", "link_sets",
    "home_lines", "texts", "text_lines", "text_runs", "packed_texts", "versions", "news", "runs", "origins",
    "index_answers", "watches", "outbox", "told", "looks", "unweighed", "_sqlite_migrations",
)  # fmt: skip
"""Those that hold something, and are plain tables in every corpus; a test holds them against a new one."""
