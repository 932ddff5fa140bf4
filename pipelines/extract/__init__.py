"""Bytes as captured → the text of a policy, and how good it is."""

from policy_archive.pipelines.extract.extraction import ExtractedPage, extract, extract_page

__all__ = ["ExtractedPage", "extract", "extract_page"]
