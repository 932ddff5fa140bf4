"""Which addresses hold a site's policies. Pure: what is known in, what to ask next and what was found out.

`plan` plans, `links` reads pages; nothing is imported here, for words of addresses are read where no page is.
"""
