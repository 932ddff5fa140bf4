"""How we crawl: Scrapy's settings. What one run does comes from the command line, at `cmdline` priority."""

from __future__ import annotations

from importlib.metadata import version

BOT_NAME = "policy-archive"
SPIDER_MODULES = ["policy_archive.crawler.spiders"]
NEWSPIDER_MODULE = "policy_archive.crawler.spiders"
COMMANDS_MODULE = "policy_archive.crawler.scrapy_commands"
USER_AGENT = f"policy-archive/{version('policy-archive')} (Scrapy; history of website policies)"

POLICY_STORE = "policy_archive.pipelines.store.writer.Store"
"""Implements the ports of crawler/crawl/corpus.py; any class that does may be named."""

# Our own settings, with the values that a run has when nobody says otherwise
POLICY_ARCHIVE_URL = "https://web.archive.org"
POLICY_DIALECT = "auto"
POLICY_NEAREST = True  # replay of any instant leads to the nearest capture; False: the index lists home pages
POLICY_INDEX_PER_MINUTE = None  # None: crawler.core.defaults has the numbers
POLICY_REPLAY_PER_SECOND = None
POLICY_REQUESTS_A_DAY = None
POLICY_MOST_INDEX_ROWS = None  # of one query; None: crawler.archive.cdx has the number
POLICY_FIRST_PAUSE_SECONDS = None
POLICY_LONGEST_PAUSE_SECONDS = None
POLICY_RETRY_TIMES = 4  # EDGI wayback: up to 6; the archive is rarely down for seconds only
POLICY_RETRY_SECONDS = 2.0  # doubles: 2, 4, 8, 16
POLICY_FORECAST_SITES = None  # of how many sites a forecast's are a sample; None: those asked are all
POLICY_RECHECK_CAPTURES = 20  # that `verify --against-archive` asks for again
READING_POOL = "policy_archive.pipelines.reading.pool.ReadingPool"  # its class
READING_PROCESSES = None  # that read bodies; None: as many as processors

# One event loop, no Twisted reactor: a crawl may run more than once in a process, pipelines await at will
TWISTED_REACTOR_ENABLED = False
DOWNLOAD_HANDLERS = {
    "http": "policy_archive.crawler.archive.download_handler.ArchiveDownloadHandler",
    "https": "policy_archive.crawler.archive.download_handler.ArchiveDownloadHandler",
    # a redirect must never reach what lies on this machine or speaks another protocol
    "data": None,
    "file": None,
    "ftp": None,
    "s3": None,
}
DOWNLOAD_VERIFY_CERTIFICATES = True  # Scrapy's default is not to
DOWNLOAD_TIMEOUT = 60  # clients of the Wayback Machine saw index answers that took 25 s
DOWNLOAD_MAXSIZE = 10 * 1024 * 1024  # compressed; Scrapy's default of 1 GiB lets bombs through
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_FAIL_ON_DATALOSS = False  # a body cut short is an outcome, not an exception
DEFAULT_REQUEST_HEADERS = {"Accept": "*/*", "Accept-Encoding": "gzip"}

# Few connections, kept alive; the pace is the gate's, not a delay of Scrapy's
CONCURRENT_REQUESTS = 16
CONCURRENT_REQUESTS_PER_DOMAIN = 8
CONCURRENT_ITEMS = 16
DOWNLOAD_DELAY = 0
DOWNLOAD_SLOTS = {  # keys are the request's `download_slot`: index queries never keep captures waiting
    "index": {"concurrency": 1, "delay": 0, "jitter": 0},
    "replay": {"concurrency": 8, "delay": 0, "jitter": 0},
}

# Of Scrapy's own parts those alone that are named here: it loads all that its lists hold, also what is off.
# Not among them: what follows redirects off the archive, obeys a captured <meta refresh>, or retries
# captured 503s; a capture's status is data, its address may be long, and nobody is told where we came from;
# cookies: wb-p-SERVER only ties us to one of the archive's machines; robots.txt: an API is asked, and what
# sites forbade to the archive it does not show; unpacking: content_coding knows the archive's ways, checks
# trailers and keeps limits.
DOWNLOADER_MIDDLEWARES_BASE: dict[str, int] = {}
DOWNLOADER_MIDDLEWARES = {
    "policy_archive.crawler.archive.middlewares.OriginGuard": 10,
    "scrapy.downloadermiddlewares.downloadtimeout.DownloadTimeoutMiddleware": 350,
    "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": 400,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": 500,
    "policy_archive.crawler.archive.middlewares.ArchiveRetry": 550,
    "policy_archive.crawler.archive.middlewares.EnvironmentProxy": 750,
}
SPIDER_MIDDLEWARES_BASE: dict[str, int] = {}
EXTENSIONS_BASE: dict[str, int] = {}
EXTENSIONS = {
    # a handler of log records: where a program has set up none, Python would print what is told in other ways
    "scrapy.extensions.logcount.LogCount": 0,
    "policy_archive.crawler.archive.middlewares.GateKeeper": 0,
}
ITEM_PIPELINES = {
    "policy_archive.pipelines.item_pipelines.ReadPipeline": 100,
    "policy_archive.pipelines.item_pipelines.StorePipeline": 200,
}

# The frontier is the database: what was asked is known there, also after kill -9 (JOBDIR forgets)
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"
REMOTE_CONTROL_ENABLED = False  # runs code that a local port receives; off, whoever loads it again
TELNETCONSOLE_ENABLED = False  # likewise
STATS_DUMP = False
LOG_LEVEL = "WARNING"
