"""What every room may use: records, errors, timestamps, addresses, cache, events; imports no other room."""
