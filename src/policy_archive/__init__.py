"""The history of websites' policies, out of web archives into one SQLite file.

The rooms of this package are folders at the top of the repository, joined here by links, so that one import
package bears the distribution's name and nothing else is laid into a user's environment.
"""

from __future__ import annotations


def __getattr__(name: str) -> str:
    """Return `__version__`, read when it is asked for: importing loads nothing heavy."""
    if name == "__version__":
        from importlib.metadata import version

        return version("policy-archive")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
