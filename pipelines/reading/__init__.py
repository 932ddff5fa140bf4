"""One body read, in a process that may die."""
