"""Bytes to a tree: decoding, media types, parsing, frames, PDF."""
