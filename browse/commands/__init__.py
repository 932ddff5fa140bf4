"""The verbs that need the extra `browse`."""

NEEDS_EXTRA = "browsing needs the extra: pip install 'policy-archive[browse]'"
