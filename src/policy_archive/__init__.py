"""The history of websites' policies, out of web archives into one SQLite file.

The rooms of this package are folders at the top of the repository, joined here by links, so that one import
package bears the distribution's name and nothing else is laid into a user's environment.
"""

from __future__ import annotations

import os.path

_CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))  # noqa: PTH120
if os.path.exists(os.path.join(_CHECKOUT, "scrapy.cfg")):  # noqa: PTH110, PTH118 (pathlib is slow to load)
    # for programs that walk a package's files and follow no links; imports find the links first
    __path__.append(_CHECKOUT)


def __getattr__(name: str) -> str:
    """Return `__version__`, read when it is asked for: importing loads nothing heavy."""
    if name == "__version__":
        from importlib.metadata import version

        return version("policy-archive")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
