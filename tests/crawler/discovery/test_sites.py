"""Sites of many kinds, years and languages: what discovery makes of them."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from policy_archive.crawler.core.records import Kind
from policy_archive.crawler.discovery.index import MOST_ADDRESSES
from tests.support.archived_site import ArchivedSite, shown

LINKED = '<p>Welcome<footer><a href="{}">{}</a></footer>'


@pytest.fixture
def site() -> ArchivedSite:
    return ArchivedSite(site="example.com")


EMPTY_HOME = "<div id=root></div><script src='/main.js'></script>"

INDEXED_PATHS = {
    "uk": ("/polityka-konfidentsiinosti", "/umovy-vykorystannia"),
    "el-latin": ("/politiki-aporritou", "/oroi-xrisis"),
    "el": ("/πολιτική-απορρήτου", "/όροι-χρήσης"),
    "ar": ("/سياسة-الخصوصية", "/شروط-الاستخدام"),
    "he": ("/מדיניות-פרטיות", "/תנאי-שימוש"),
    "fa": ("/حریم-خصوصی", "/قوانین-و-مقررات"),
    "th": ("/นโยบายความเป็นส่วนตัว", "/ข้อกำหนดและเงื่อนไข"),
    "hi": ("/गोपनीयता-नीति", "/नियम-और-शर्तें"),
    "vi": ("/chinh-sach-bao-mat", "/dieu-khoan-su-dung"),
    "id": ("/kebijakan-privasi", "/syarat-dan-ketentuan"),
    "ja": ("/company/privacy.html", "/guide/rule.html"),
    "hr": ("/politika-privatnosti", "/uvjeti-koristenja"),
    "sl": ("/politika-zasebnosti", "/pogoji-uporabe"),
    "sk": ("/ochrana-osobnych-udajov", "/obchodne-podmienky"),
    "bg": ("/politika-za-poveritelnost", "/obshti-usloviya"),
    "lt": ("/privatumo-politika", "/taisykles"),
    "lv": ("/privatuma-politika", "/lietosanas-noteikumi"),
    "et": ("/privaatsuspoliitika", "/kasutustingimused"),
    "da": ("/privatlivspolitik", "/købsvilkår"),
}


@pytest.mark.parametrize(("privacy", "terms"), INDEXED_PATHS.values(), ids=INDEXED_PATHS)
def test_a_policy_that_no_page_links_to_is_found_by_its_address_in_many_languages(
    site: ArchivedSite, privacy: str, terms: str
) -> None:
    urls = [f"https://example.com{quote(path)}" for path in (privacy, terms)]
    for url in (*urls, "https://example.com/kontakt", "https://example.com/shop/42"):
        site.captures(url, range(2012, 2020))
    site.captures("https://example.com/", range(2012, 2020), EMPTY_HOME)
    found = site.discover([Kind.PRIVACY, Kind.TERMS])
    assert shown(found) == {"privacy": [urls[0]], "terms": [urls[1]]}


def test_an_address_that_the_search_showed_but_that_says_nothing_is_found_by_its_link(
    site: ArchivedSite,
) -> None:
    url = "http://example.com/mentions/donnees.html"
    site.captures(url, range(2010, 2020))
    site.captures("http://example.com/", range(2010, 2020), LINKED.format(url, "Protection des données"))
    plan = site.discover()
    assert shown(plan) == {"privacy": [url]}
    assert (plan.documents[0].addresses[0].listed, site.purposes()) == (True, ["domain"])


def test_a_page_that_is_linked_to_as_two_policies_is_both(site: ArchivedSite) -> None:
    site.captures("https://example.com/house/l1", range(2012, 2020))
    home = LINKED.format("/house/l1#t", "Terms of Use") + LINKED.format("/house/l1#p", "Privacy Policy")
    site.captures("https://example.com/", range(2012, 2020), home)
    found = site.discover([Kind.PRIVACY, Kind.TERMS])
    assert shown(found) == {
        "privacy": ["https://example.com/house/l1#p"],
        "terms": ["https://example.com/house/l1#t"],
    }


def test_a_link_by_two_names_to_an_address_of_one_is_of_that_one(site: ArchivedSite) -> None:
    urls = {"privacy": "https://example.com/privacy", "terms": "https://example.com/tos"}
    for url in urls.values():
        site.captures(url, range(2012, 2020))
    site.captures("https://example.com/", range(2012, 2020), LINKED.format("/privacy", "Terms & Privacy"))
    assert shown(site.discover([Kind.PRIVACY, Kind.TERMS])) == {kind: [url] for kind, url in urls.items()}


def test_of_two_names_the_one_without_another_address_counts_too(site: ArchivedSite) -> None:
    url = "https://example.com/terms.html"
    site.captures(url, range(2012, 2020))
    site.captures("https://example.com/", range(2012, 2020), LINKED.format("/terms.html", "Privacy & Terms"))
    assert shown(site.discover()) == {"privacy": [url]}
    assert shown(site.discover([Kind.PRIVACY, Kind.TERMS])) == {"privacy": [url], "terms": [url]}


@pytest.mark.parametrize(
    ("domain", "main"),
    [("example.com", "en"), ("example.fr", "fr"), ("example.at", "de"), ("example.co.uk", "en")],
)
def test_among_equals_the_language_that_the_domain_promises_is_the_main_one(domain: str, main: str) -> None:
    site = ArchivedSite(site=domain)
    for language, path in {"de": "datenschutz", "en": "privacy", "fr": "confidentialite"}.items():
        site.captures(f"https://{domain}/{language}/{path}", range(2015, 2022))
    assert f"/{main}/" in shown(site.discover())["privacy"][0]


def test_dated_versions_below_a_policy_are_its_previous_ones(site: ArchivedSite) -> None:
    site.captures("https://example.com/tos", range(2012, 2023))
    site.captures("https://example.com/tos/archive/2015", range(2016, 2023))
    assert set(shown(site.discover([Kind.TERMS]))) == {"terms", "terms previous"}


def test_the_notice_for_applicants_below_careers_is_found(site: ArchivedSite) -> None:
    for path in ("privacy", "careers/privacy-notice", "careers/privacy-counsel-berlin"):
        site.captures(f"https://example.com/{path}", range(2018, 2023))
    assert set(shown(site.discover())) == {"privacy", "privacy candidates"}


def test_many_hosts_with_one_path_are_users_hosts(site: ArchivedSite) -> None:
    site.captures("https://example.com/privacy", range(2008, 2020))
    for number in range(20):
        site.captures(f"https://store{number}.example.com/privacy", range(2012, 2018))
    assert shown(site.discover()) == {"privacy": ["https://example.com/privacy"]}


def test_session_ids_in_the_path_make_no_further_policy(site: ArchivedSite) -> None:
    site.captures("http://example.com/privacy.jsp", range(2003, 2010))
    for year in range(2002, 2010):
        site.captures(f"http://example.com/privacy.jsp;jsessionid={year:032X}", [year])
    assert shown(site.discover()) == {"privacy": ["http://example.com/privacy.jsp"]}


def test_a_list_of_policies_is_read_before_the_budget_is_spent_on_home_pages(site: ArchivedSite) -> None:
    links = LINKED.format("/doc/4711", "Privacy Policy")
    site.captures("http://example.com/legal", range(2012, 2020), links)
    site.captures("http://example.com/doc/4711", range(2012, 2020))
    site.captures("http://example.com/", range(2012, 2020), LINKED.format("/legal", "Legal"))
    assert shown(site.discover()) == {"privacy": ["http://example.com/doc/4711"]}
    assert len(site.read) == 3


def test_five_moves_between_addresses_that_say_nothing_are_all_found(site: ArchivedSite) -> None:
    urls = [f"https://example.com/a{number}" for number in range(5)]
    for place, url in enumerate(urls):
        years = range(2000 + 4 * place, 2004 + 4 * place)
        site.captures(url, years)
        site.captures("https://example.com/", years, LINKED.format(url, "Privacy Policy"))
    assert shown(site.discover()) == {"privacy": urls}
    assert len(site.read) <= 8


def test_a_home_page_that_a_script_moves_on_from_is_followed(site: ArchivedSite) -> None:
    site.captures(
        "http://example.com/", range(2000, 2005), '<script>window.location="/en/start.html"</script>'
    )
    site.captures("http://example.com/en/start.html", range(2000, 2005), LINKED.format("x33.htm", "Privacy"))
    site.captures("http://example.com/en/x33.htm", range(2000, 2005))
    assert shown(site.discover()) == {"privacy": ["http://example.com/en/x33.htm"]}


def test_a_headline_and_the_address_made_of_it_are_no_two_witnesses(site: ArchivedSite) -> None:
    site.captures("https://example.com/views/privacy-is-dead", range(2012, 2020))
    home = LINKED.format("/views/privacy-is-dead", "Privacy is dead")
    site.captures("https://example.com/", range(2012, 2020), home)
    assert all(found.confidence < 0.8 for found in site.discover().documents)


def test_the_policy_of_the_company_that_parked_the_domain_between_two_owners_is_not_followed(
    site: ArchivedSite,
) -> None:
    parking = "http://www.godaddy.com/agreements/privacy"
    site.captures("http://example.com/privacy.php", range(2003, 2008))
    site.captures("http://example.com/", range(2003, 2008), LINKED.format("/privacy.php", "Privacy"))
    site.captures("http://example.com/", range(2009, 2014), LINKED.format(parking, "Privacy Policy"))
    site.captures(parking, range(2009, 2014))
    site.captures("https://example.com/policies/privacy", range(2015, 2022))
    assert shown(site.discover())["privacy"] == [
        "http://example.com/privacy.php",
        "https://example.com/policies/privacy",
    ]


def test_what_very_many_users_write_hides_neither_the_policy_nor_one_that_is_linked_to(
    site: ArchivedSite,
) -> None:
    linked = "http://example.com/about/the/company/and/all/its/rules/for-privacy-of-readers?no=123456789"
    site.captures("http://example.com/terms", range(2010, 2016))
    site.captures(linked, range(2010, 2016))
    site.captures("http://example.com/", range(2010, 2016), LINKED.format(linked, "Privacy Policy"))
    for number in range(MOST_ADDRESSES):
        site.capture("2012", f"http://example.com/u/{number}/privacy-{number % 31}-terms?id={number}")
    found = shown(site.discover([Kind.PRIVACY, Kind.TERMS]))
    assert (found["privacy"], found["terms"]) == ([linked], ["http://example.com/terms"])
