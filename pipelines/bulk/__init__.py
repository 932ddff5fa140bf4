"""Whole collections of web archives read: a task a file, a Parquet part a task, on one machine or many."""
