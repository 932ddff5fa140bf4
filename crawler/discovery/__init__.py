"""Which addresses hold a site's policies. Pure: what is known in, what to ask next and what was found out."""

from policy_archive.crawler.discovery.links import find_policy_links
from policy_archive.crawler.discovery.plan import plan_discovery

__all__ = ["find_policy_links", "plan_discovery"]
