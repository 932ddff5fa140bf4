"""Asking one archive: index, replay, budgets, content codings; nothing here knows a site's state."""
