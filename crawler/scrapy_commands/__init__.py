"""Commands of Scrapy's own program that do more here than there; Scrapy finds them by `COMMANDS_MODULE`."""
