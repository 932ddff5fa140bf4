"""Commands that read a corpus, and those that work on one body or on the file itself."""
