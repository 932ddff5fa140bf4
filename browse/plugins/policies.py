"""For `datasette policies.db --plugins-dir browse/plugins`: the plugin, where it is not installed as one.

Where it is installed Datasette has it already: registered twice, its link would stand twice in the menu.
"""

import sys
from pathlib import Path

from datasette.plugins import pm

if not any(getattr(plugin, "__name__", "") == "policy_archive.browse.plugin" for plugin in pm.get_plugins()):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))  # a checkout that is not installed
    from policy_archive.browse.plugin import (  # noqa: F401 - Datasette looks for the names
        asgi_wrapper,
        canned_queries,
        get_metadata,
        menu_links,
        prepare_connection,
        register_routes,
    )
