"""A tree to Markdown: blocks, inlines, rendering."""
