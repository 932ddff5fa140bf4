"""A site that answers with its front page at its policy's address, from the archive to the database."""

from __future__ import annotations

from pathlib import Path

from policy_archive.archive_server.server import ArchiveServer
from policy_archive.pipelines.reading.pool import ReadingPool
from policy_archive.pipelines.store.connection import open_reader
from policy_archive.pipelines.store.maintenance.reextract import read_again
from policy_archive.pipelines.store.writer import Store
from tests.support.generated import GeneratedSource, crawl, read

READING = {
    "policy_archive.pipelines.item_pipelines.ReadPipeline": 100,
    "policy_archive.pipelines.item_pipelines.StorePipeline": 200,
}
HOME, POLICY = "https://www.x.example/", "https://www.x.example/privacy"
RULES = """<p>We collect your name and your e-mail address when you order. We use this personal information to
send what you ordered, and share it with nobody. You may ask us to delete your data. We use cookies.</p>"""
PRIVACY = (
    f"<title>Privacy Policy</title><h1>Privacy Policy</h1><p>This policy applies to our website.</p>{RULES}"
)
FRONT = f"""<title>X</title><h1>Privacy at X</h1><p>Read on Monday what we found in {{month}}.</p>{RULES}
<p>Our terms apply. We may change this policy, and tell you by e-mail.</p>
<a href=/privacy>Privacy Policy</a>"""
"""It reads like a policy: only its likeness to the home page tells."""

OUTCOMES = """select timestamp, outcome, reason from captures where original = 'https://www.x.example/privacy'
    order by timestamp"""


def test_a_front_page_stored_at_a_policys_address_is_no_version(database: Path) -> None:
    source = GeneratedSource()
    source.add("20060315120000", FRONT.format(month="March").encode(), url=HOME)
    source.add("20080315120000", FRONT.format(month="August").encode(), url=HOME)
    source.add("20050615120000", PRIVACY.encode(), url=POLICY)
    source.add("20080401120000", FRONT.format(month="September").encode(), url=POLICY)
    with ArchiveServer(source=source) as archive:
        crawl(archive.url, database, "x.example", settings={"ITEM_PIPELINES": READING})
    found = read(database, OUTCOMES)
    assert [outcome for _, outcome, _ in found] == ["text", "not-a-policy"], found
    with ReadingPool(1) as pool, Store.open(database) as store:
        for _ in read_again(store, pool, extractors=frozenset(), everything=True):
            pass
    assert read(database, OUTCOMES) == found
    with open_reader(database) as reader:
        assert reader.execute("select count(*) from versions").fetchone()[0] == 1
