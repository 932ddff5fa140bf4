"""The read side: what people see of a corpus. The database is opened read-only."""
