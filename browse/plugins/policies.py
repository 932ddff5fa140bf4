"""For `datasette policies.db --plugins-dir browse/plugins`: the plugin, where it is not installed as one."""

from browse.plugin import menu_links, register_routes

__all__ = ["menu_links", "register_routes"]
