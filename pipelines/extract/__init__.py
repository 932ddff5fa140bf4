"""Bytes as captured → the text of a policy, and how good it is."""

from pipelines.extract.extraction import ExtractedPage, extract, extract_page

__all__ = ["ExtractedPage", "extract", "extract_page"]
