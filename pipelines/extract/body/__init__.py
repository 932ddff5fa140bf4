"""Which part of a page is the document, by named rules."""
