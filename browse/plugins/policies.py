"""For `datasette policies.db --plugins-dir browse/plugins`, where the package is not installed as a plugin."""

from browse.plugin import menu_links, register_routes

__all__ = ["menu_links", "register_routes"]
