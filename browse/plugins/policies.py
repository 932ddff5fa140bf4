"""For `datasette policies.db --plugins-dir browse/plugins`: the plugin, where it is not installed as one."""

from browse.plugin import canned_queries, get_metadata, menu_links, register_routes

__all__ = ["canned_queries", "get_metadata", "menu_links", "register_routes"]
