"""Which captures hold a site's policies, and the fetching of them."""
