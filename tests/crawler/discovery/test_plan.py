"""Discovery of whole sites: what is asked, what is found, how it ends."""

from __future__ import annotations

import gc
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_archive.crawler.core.records import CdxRow, Kind, Outcome
from policy_archive.crawler.discovery.home_pages import MOST_LOOKS
from policy_archive.crawler.discovery.index import candidates_of, domain_query
from policy_archive.crawler.discovery.records import AnswerState, AskedQuery, Purpose
from tests.support.archived_site import ArchivedSite, shown

ALL = (Kind.PRIVACY, Kind.TERMS, Kind.COOKIES, Kind.OTHER)
LINKED = '<p>Welcome<footer><a href="{}">{}</a></footer>'


@pytest.fixture
def site() -> ArchivedSite:
    return ArchivedSite(site="example.com")


def test_a_policy_that_reaches_over_the_years_costs_one_query_and_one_capture(site: ArchivedSite) -> None:
    site.captures("https://example.com/privacy", range(2010, 2024))
    site.captures("https://example.com/", range(2010, 2024), LINKED.format("/privacy", "Privacy"))
    plan = site.discover()
    assert shown(plan) == {"privacy": ["https://example.com/privacy"]}
    assert (site.purposes(), plan.outcome) == (["domain"], "found")
    assert [(page.row.timestamp[:4], page.reason) for page in site.read] == [("2023", "last home page")]


def test_rows_of_the_domain_query_are_the_history_of_what_it_finds(site: ArchivedSite) -> None:
    site.captures("https://example.com/privacy", range(2010, 2024))
    site.capture("20150101", "https://example.com/privacy", status="503")
    address = site.discover().documents[0].addresses[0]
    assert address.listed
    assert len(address.rows) == 15
    assert (address.first_seen, address.last_seen) == ("20100601000000", "20230601000000")


def test_an_old_address_that_says_nothing_is_found_on_the_first_home_page(site: ArchivedSite) -> None:
    site.captures("http://example.com/info/l1.html", range(2001, 2009))
    site.captures("https://example.com/privacy", range(2009, 2020))
    site.captures("http://example.com/", range(2001, 2009), LINKED.format("info/l1.html", "Privacy Policy"))
    site.captures("http://example.com/", range(2009, 2020), LINKED.format("/privacy", "Privacy Policy"))
    plan = site.discover()
    assert shown(plan) == {"privacy": ["http://example.com/info/l1.html", "https://example.com/privacy"]}
    assert all(address.listed for address in plan.documents[0].addresses)


def test_a_move_between_two_home_pages_is_looked_for_in_the_middle(site: ArchivedSite) -> None:
    addresses = {range(2000, 2005): "a.html", range(2005, 2012): "b.html", range(2012, 2020): "c.html"}
    for years, name in addresses.items():
        site.captures(f"http://example.com/{name}", years)
        site.captures("http://example.com/", years, LINKED.format(name, "Privacy Policy"))
    plan = site.discover()
    assert shown(plan) == {"privacy": [f"http://example.com/{name}" for name in addresses.values()]}
    assert len(site.read) <= 4


def test_a_policy_known_to_the_index_alone_is_found(site: ArchivedSite) -> None:
    site.captures("https://example.com/app/privacy-policy", range(2015, 2020))
    site.captures("https://example.com/", range(2015, 2020), "<p>no links")
    assert shown(site.discover()) == {"privacy": ["https://example.com/app/privacy-policy"]}


def test_a_policy_of_another_host_is_followed_when_the_home_page_links_to_it(site: ArchivedSite) -> None:
    policy = "https://policies.service.example/x/privacy"
    site.captures(policy, range(2018, 2023))
    site.captures("https://example.com/", range(2018, 2023), LINKED.format(policy, "Privacy Policy"))
    assert shown(site.discover()) == {"privacy": [policy]}


@pytest.mark.parametrize("label", ["Google Privacy Policy", "Privacy of our partner", "See what Acme does"])
def test_a_policy_of_somebody_else_is_not_followed(site: ArchivedSite, label: str) -> None:
    policy = "https://other.example/privacy"
    site.captures(policy, range(2018, 2023))
    site.captures("https://example.com/", range(2018, 2023), LINKED.format(policy, label))
    assert shown(site.discover()) == {}


def test_a_link_elsewhere_does_not_count_where_the_site_has_its_own(site: ArchivedSite) -> None:
    page = LINKED.format("/legal.html", "Privacy Policy") + LINKED.format(
        "https://cms.example/p", "Privacy Policy"
    )
    site.captures("https://cms.example/p", range(2018, 2023))
    site.captures("https://example.com/legal.html", range(2018, 2023))
    site.captures("https://example.com/", range(2018, 2023), page)
    assert shown(site.discover()) == {"privacy": ["https://example.com/legal.html"]}


def test_the_menu_frame_of_a_frameset_is_read(site: ArchivedSite) -> None:
    frameset = '<frameset cols="20%,*"><frame src="menu.html"><frame src="main.html"></frameset>'
    site.captures("http://example.com/", (1999, 2002), frameset)
    site.captures("http://example.com/menu.html", (1999, 2002), LINKED.format("p7.html", "Privacy Statement"))
    site.captures("http://example.com/p7.html", (1999, 2002))
    assert shown(site.discover()) == {"privacy": ["http://example.com/p7.html"]}


def test_a_captured_redirect_leads_to_the_new_address(site: ArchivedSite) -> None:
    site.captures("http://example.com/privacy", range(2005, 2012))
    site.capture("2013", "http://example.com/privacy", to="/corp/p-statement.html")
    site.captures("http://example.com/corp/p-statement.html", range(2013, 2020))
    site.captures("http://example.com/", range(2005, 2020), "<p>no links")
    plan = site.discover()
    assert shown(plan) == {
        "privacy": ["http://example.com/privacy", "http://example.com/corp/p-statement.html"]
    }
    assert plan.documents[0].addresses[1].source == "redirect"


def test_two_addresses_that_follow_each_other_are_one_history(site: ArchivedSite) -> None:
    site.captures("http://example.com/privacy.html", range(2003, 2012))
    site.captures("https://example.com/legal/privacy", range(2012, 2022))
    plan = site.discover()
    assert [len(found.addresses) for found in plan.documents] == [2]


def test_an_address_may_fill_the_years_between_two_others(site: ArchivedSite) -> None:
    site.captures("http://example.com/info/privacy.html", range(1999, 2004))
    site.captures("http://example.com/about/privacy/default.aspx", range(2008, 2012))
    site.captures("https://example.com/privacy", range(2013, 2024))
    (found,) = site.discover().documents
    assert [(address.first_seen or "")[:4] for address in found.addresses] == ["1999", "2008", "2013"]


def test_another_format_may_take_an_addresss_place_for_some_years(site: ArchivedSite) -> None:
    site.captures("https://example.com/terms.html", [*range(2005, 2012), *range(2015, 2022)])
    site.captures("https://example.com/terms.pdf", range(2012, 2015))
    assert [len(found.addresses) for found in site.discover([Kind.TERMS]).documents] == [2]


def test_two_addresses_of_the_same_years_are_two_documents_and_one_is_the_main(site: ArchivedSite) -> None:
    site.captures("https://example.com/privacy", range(2010, 2022))
    site.captures("https://example.com/lakeside/privacy", range(2010, 2022))
    plan = site.discover()
    assert [found.document.name for found in plan.documents] == ["", "lakeside-privacy"]
    assert plan.documents[0].confidence > plan.documents[1].confidence


def test_documents_of_a_kind_are_told_apart_by_name(site: ArchivedSite) -> None:
    site.captures("https://example.com/privacy", range(2015, 2022))
    for path in (
        "privacy/children",
        "privacy-policy-california",
        "legal/candidate-privacy-notice",
        "de/privacy",
    ):
        site.captures(f"https://example.com/{path}", range(2018, 2022))
    assert set(shown(site.discover())) == {
        "privacy",
        "privacy california",
        "privacy candidates",
        "privacy children",
        "privacy de",
    }


def test_the_best_language_is_the_main_document_where_no_address_is_without_one(site: ArchivedSite) -> None:
    site.captures("https://example.com/en/privacy", range(2010, 2022))
    site.captures("https://example.com/fr/privacy", range(2016, 2022))
    assert shown(site.discover()) == {
        "privacy": ["https://example.com/en/privacy"],
        "privacy fr": ["https://example.com/fr/privacy"],
    }


def test_all_kinds_are_told_apart(site: ArchivedSite) -> None:
    for path in ("privacy", "terms-of-service", "cookie-policy", "acceptable-use", "dmca", "legal/dpa"):
        site.captures(f"https://example.com/{path}", range(2018, 2022))
    assert set(shown(site.discover(ALL))) == {
        "privacy",
        "terms",
        "cookies",
        "other acceptable-use",
        "other copyright",
        "other data-processing",
    }


def test_pages_about_privacy_are_no_policies(site: ArchivedSite) -> None:
    for path in (
        "blog/2019/05/privacy-tips",
        "privacy.css",
        "tag/privacy",
        "privacy/settings",
        "login?next=/privacy",
        "news/new-privacy-law-passed-in-state",
    ):
        site.captures(f"https://example.com/{path}", range(2018, 2022))
    plan = site.discover()
    assert (shown(plan), plan.outcome) == ({}, "nothing-found")


def test_doubles_of_an_address_are_left_out(site: ArchivedSite) -> None:
    site.captures("https://example.com/privacy", range(2018, 2022))
    site.captures("https://example.com/privacy?share=twitter", range(2018, 2022))
    site.captures("https://example.com/privacy/print", range(2018, 2022))
    assert shown(site.discover()) == {"privacy": ["https://example.com/privacy"]}


def test_a_large_site_is_found_through_its_home_page(site: ArchivedSite) -> None:
    site.failing = {Purpose.DOMAIN: AnswerState.TOO_SLOW, Purpose.HOST: AnswerState.TOO_SLOW}
    site.captures("https://example.com/", range(2010, 2022), LINKED.format("/about/privacy", "Privacy"))
    site.captures("https://example.com/about/privacy", range(2010, 2022))
    assert shown(site.discover()) == {"privacy": ["https://example.com/about/privacy"]}
    assert site.purposes() == ["domain", "host", "address"]


def test_a_large_site_without_links_is_searched_by_prefix_and_usual_address(site: ArchivedSite) -> None:
    site.failing = dict.fromkeys((Purpose.DOMAIN, Purpose.HOST, Purpose.PREFIX), AnswerState.TOO_SLOW)
    site.captures("https://example.com/privacy", range(2010, 2022))
    plan = site.discover()
    assert shown(plan) == {"privacy": ["https://example.com/privacy"]}
    assert len(site.asked) <= 10


def test_a_blocked_site_is_asked_once(site: ArchivedSite) -> None:
    site.failing = {Purpose.DOMAIN: AnswerState.BLOCKED}
    plan = site.discover()
    assert (plan.outcome, len(site.asked)) == ("blocked", 1)


def test_a_dead_index_is_not_an_empty_one(site: ArchivedSite) -> None:
    site.failing = dict.fromkeys(Purpose, AnswerState.FAILED)
    assert site.discover().outcome == "archive-error"


def test_a_site_without_policy_says_what_was_tried(site: ArchivedSite) -> None:
    site.captures("http://example.com/", range(2009, 2015), "<a href='/contact'>Contact</a>")
    plan = site.discover()
    assert (plan.outcome, plan.documents) == ("nothing-found", ())
    assert "home page archived 2009-2014" in plan.reason
    assert "no link matched" in plan.reason


def test_a_site_that_moved_to_another_domain_says_where(site: ArchivedSite) -> None:
    site.capture("2012", "http://example.com/", to="https://www.other.example/")
    plan = site.discover()
    assert plan.outcome == "nothing-found"
    assert "redirects to www.other.example" in plan.reason


def test_a_home_page_that_redirects_within_the_site_is_followed(site: ArchivedSite) -> None:
    for year in range(2010, 2014):
        site.capture(f"{year}", "http://example.com/", to="/en/home.html")
    site.captures("http://example.com/en/home.html", range(2010, 2014), LINKED.format("x7.html", "Privacy"))
    site.captures("http://example.com/en/x7.html", range(2010, 2014))
    assert shown(site.discover()) == {"privacy": ["http://example.com/en/x7.html"]}


def test_a_site_that_is_not_archived_says_so(site: ArchivedSite) -> None:
    plan = site.discover()
    assert (plan.outcome, plan.reason.startswith("no policy found")) == ("not-archived", True)


def test_a_document_of_an_earlier_run_keeps_its_name(site: ArchivedSite) -> None:
    site.captures("https://example.com/en/privacy", range(2010, 2014))
    site.captures("https://example.com/fr/privacy", range(2013, 2014))
    first = site.discover()
    site.captures("https://example.com/fr/privacy", range(2005, 2030))
    again = site.discover(known=first.documents)
    assert shown(again)["privacy"] == ["https://example.com/en/privacy"]
    assert shown(again)["privacy fr"] == ["https://example.com/fr/privacy"]


def test_an_address_whose_pages_are_no_policies_gives_way_to_the_next(site: ArchivedSite) -> None:
    site.captures("https://example.com/privacy", range(2010, 2022))
    site.captures("https://example.com/corp/p3.html", range(2010, 2022))
    site.captures("https://example.com/", range(2010, 2022), LINKED.format("/corp/p3.html", "Privacy"))
    linked, named = "https://example.com/corp/p3.html", "https://example.com/privacy"
    assert shown(site.discover())["privacy"] == [linked]
    assert shown(site.discover(judged={linked: Outcome.NOT_A_POLICY})) == {"privacy": [named]}
    assert shown(site.discover(judged={named: Outcome.NOT_A_POLICY})) == {"privacy": [linked]}


def test_an_address_that_was_read_as_a_policy_becomes_sure(site: ArchivedSite) -> None:
    url = "https://example.com/user/agreement/model"
    site.captures(url, range(2010, 2022))
    (before,) = site.discover([Kind.TERMS]).documents
    (after,) = site.discover([Kind.TERMS], judged={url: Outcome.TEXT}).documents
    assert before.confidence < 0.5 < 0.8 < after.confidence


def test_a_linked_address_that_the_archive_lacks_is_no_document(site: ArchivedSite) -> None:
    site.captures("https://example.com/", range(2010, 2022), LINKED.format("/p.php?id=9", "Privacy Policy"))
    plan = site.discover()
    assert (shown(plan), plan.outcome) == ({}, "nothing-found")


def test_the_answer_does_not_depend_on_the_order_of_rows(site: ArchivedSite) -> None:
    site.captures("https://example.com/privacy", range(2010, 2022))
    site.captures("https://example.com/privacy-policy", range(2010, 2022))
    forward = shown(site.discover())
    site.bodies = dict(reversed(site.bodies.items()))
    assert shown(site.discover()) == forward


def test_two_policies_of_one_home_page_are_two_documents(site: ArchivedSite) -> None:
    page = LINKED.format("/p1.html", "Privacy Policy") + LINKED.format("/p2.html", "Privacy Center")
    for path in ("p1.html", "p2.html", ""):
        site.captures(f"https://example.com/{path}", range(2018, 2023), page)
    documents = site.discover().documents
    assert [[a.url for a in found.addresses] for found in documents] == [
        ["https://example.com/p1.html"],
        ["https://example.com/p2.html"],
    ]


def test_a_link_with_a_decorated_address_is_one_to_the_plain_address(site: ArchivedSite) -> None:
    home = LINKED.format("/privacy?ref=footer", "Privacy")
    site.captures("https://example.com/", range(2005, 2023), home)
    site.captures("https://example.com/privacy", range(2012, 2023))
    site.capture("2015", "https://example.com/privacy?ref=footer")
    plan = site.discover()
    assert shown(plan) == {"privacy": ["https://example.com/privacy"]}
    assert plan.documents[0].addresses[0].source == "home-link"


def test_pages_of_users_do_not_hide_the_sites_own_policy(site: ArchivedSite) -> None:
    for number in range(40):
        site.captures(f"https://example.com/user{number}/app/privacy-policy", range(2019, 2022))
        site.captures(f"https://example.com/questions/{number}/is-this-a-privacy-policy", range(2012, 2022))
    site.captures("https://example.com/site/privacy", range(2014, 2022))
    site.captures("https://example.com/", range(2010, 2022), LINKED.format("/site/privacy", "Privacy"))
    documents = site.discover().documents
    assert [a.url for a in documents[0].addresses] == ["https://example.com/site/privacy"]
    assert len(documents) <= 4


def test_a_policy_goes_on_in_the_language_version_that_took_its_place(site: ArchivedSite) -> None:
    site.captures("http://www.example.com/privacy.asp", range(2003, 2013))
    for region in ("de-de", "en-us", "fr-fr"):
        site.captures(f"https://www.example.com/{region}/privacy", range(2013, 2024))
    assert shown(site.discover()) == {
        "privacy": ["http://www.example.com/privacy.asp", "https://www.example.com/en-us/privacy"],
        "privacy de-de": ["https://www.example.com/de-de/privacy"],
        "privacy fr-fr": ["https://www.example.com/fr-fr/privacy"],
    }


def test_a_host_may_be_the_policys_own(site: ArchivedSite) -> None:
    site.captures("https://privacy.example.com/", range(2013, 2024))
    assert shown(site.discover()) == {"privacy": ["https://privacy.example.com/"]}


def test_an_article_on_privacy_gives_way_to_the_policy_that_the_home_page_names(site: ArchivedSite) -> None:
    site.captures("https://example.com/wiki/Privacy", range(2005, 2024))
    site.captures("https://example.com/wiki/Project:Rules_on_data", range(2005, 2024))
    home = LINKED.format("/wiki/Project:Rules_on_data", "Privacy policy")
    site.captures("https://example.com/", range(2005, 2024), home)
    assert shown(site.discover()) == {"privacy": ["https://example.com/wiki/Project:Rules_on_data"]}


_SEGMENTS = [
    "privacy",
    "terms",
    "legal",
    "de",
    "en-us",
    "kids",
    "blog",
    "x1",
    "cookies",
    "policy",
    "index.html",
]
_PATHS = st.lists(st.sampled_from(_SEGMENTS), max_size=3).map("/".join)
_HOSTS = st.sampled_from(["example.com", "www.example.com", "shop.example.com", "other.example"])
_URLS = st.builds("https://{}/{}".format, _HOSTS, _PATHS)
_LINKS = st.lists(
    st.tuples(_URLS, st.sampled_from(["Privacy", "Terms", "Kids' privacy", "here"])), max_size=4
)
_CAPTURES = st.lists(
    st.tuples(st.integers(1998, 2024), _URLS, _LINKS, st.sampled_from(["200", "404"])), max_size=25
)


@settings(max_examples=60)
@given(_CAPTURES, st.lists(st.sampled_from(list(Purpose)), max_size=3))
def test_discovery_of_any_site_ends_within_its_budgets(
    captures: list[tuple[int, str, list[tuple[str, str]], str]], slow: list[Purpose]
) -> None:
    site = ArchivedSite(site="example.com", failing=dict.fromkeys(slow, AnswerState.TOO_SLOW))
    for year, url, anchors, status in captures:
        site.capture(str(year), url, "".join(LINKED.format(*anchor) for anchor in anchors), status=status)
    plan = site.discover(ALL)
    keys = [(found.document.kind, a.urlkey) for found in plan.documents for a in found.addresses]
    assert len(keys) == len(set(keys))
    assert len({found.document.id for found in plan.documents}) == len(plan.documents)
    assert (len(site.asked) <= 10, len(site.read) <= 8) == (True, True)
    assert plan.reason
    assert len(site.looked) == len({(look.url, look.timestamp) for look in site.looked})
    assert len(site.looked) <= MOST_LOOKS * len({look.url for look in site.looked})


def test_the_rows_of_a_finished_site_leave_the_memory() -> None:
    rows = tuple(
        CdxRow(
            urlkey=f"org,x)/privacy{n}",
            timestamp="20180101000000",
            original=f"https://x.org/privacy{n}",
            mimetype="text/html",
            statuscode="200",
            digest="A" * 32,
            length=1,
        )
        for n in range(3)
    )
    (query,) = {domain_query("x.org", [Kind.PRIVACY])}
    answer = AskedQuery(asked=query, state=AnswerState.COMPLETE, rows=rows)
    assert candidates_of([answer], "x.org") == candidates_of([answer], "x.org")
    assert answer.ranked  # ranked once, and kept with the answer
    gone = weakref.ref(answer)
    del answer
    gc.collect()
    assert gone() is None


def test_links_of_two_kinds_to_parts_of_one_page_keep_their_fragments() -> None:
    site = ArchivedSite(site="x.example")
    links = '<a href="/legal#p">Privacy Policy</a> <a href="/legal#t">Terms of Service</a>'
    site.captures("http://x.example/", range(2015, 2019), links)
    site.captures("http://x.example/legal", range(2015, 2019))
    found = site.discover([Kind.PRIVACY, Kind.TERMS]).documents
    urls = {document.document.kind: document.addresses[0].url for document in found}
    assert urls == {Kind.PRIVACY: "http://x.example/legal#p", Kind.TERMS: "http://x.example/legal#t"}
    assert all("#" not in query.query.url for query in site.asked)


def test_a_fragment_that_tells_no_two_documents_apart_goes() -> None:
    site = ArchivedSite(site="x.example")
    site.captures("http://x.example/", range(2015, 2019), '<a href="/privacy#start">Privacy Policy</a>')
    site.captures("http://x.example/privacy", range(2015, 2019))
    (found,) = site.discover([Kind.PRIVACY]).documents
    assert [address.url for address in found.addresses] == ["http://x.example/privacy"]
