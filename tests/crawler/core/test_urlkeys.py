"""The key of an address: known ones, and beside another program's where it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.urlkeys import urlkey

from ...support.linear import growth

HEX = "0123456789abcdef0123456789abcdef"
ASP = "4hqa0555fwsecu455xqckv45"
KNOWN = {
    "https://WWW2.Example.com:443/A/B.HTML?b=2&a=1": "com,example)/a/b.html?a=1&b=2",
    "example.com/privacy/": "com,example)/privacy",
    "http://x.org:80/a": "org,x)/a",
    "x.org:80/a": "org,x)/a",
    "https://x.org:80/": "org,x:80)/",
    "http://m.www.x.org/": "org,x,www,m)/",
    "http://www.www.x.org/": "org,x,www)/",
    "http://www.com/": "com)/",
    "http://wwww.x.org/": "org,x,wwww)/",
    "//x.org/a": "org,x)/a",
    "http:x.org/a": "org,x)/a",
    "https://https://x.org/a": "org,x)/a",
    "http://me:secret@x.org/a#top": "org,x)/a",
    "http://mailto:someone@x.org/": "org,x)/",
    "http://x.org./": "org,x)/",
    "http://.x..org/": "org,x)/",
    "http://X%2eORG/": "org,x)/",
    "http://b\u00fccher.de/\u00e4": "de,xn--bcher-kva)/%c3%a4",
    "http://xn--bcher-kva.de/%C3%A4": "de,xn--bcher-kva)/%c3%a4",
    "http://192.168.0.1/": "1,0,168,192)/",
    "http://3232235521/": "1,0,168,192)/",
    "http://[2001:db8::1]:8080/": "2001:db8::1:8080)/",
    "http://x.org": "org,x)/",
    "http://x.org?a": "org,x)/?a",
    "http://x.org/?": "org,x)/",
    "http://x.org//a//b/": "org,x)/a/b",
    "http://x.org/a/../b/./c": "org,x)/b/c",
    "http://x.org/a%2F%2e%2e/b": "org,x)/b",
    "http://x.org/%7Eme/a b": "org,x)/~me/a%20b",
    "http://x.org/a%2525": "org,x)/a%25",
    "http://x.org/a%%34%31": "org,x)/aa",
    "http://x.org/a%23b": "org,x)/a%23b",
    "http://x.org/index.html": "org,x)/index.html",
    f"http://x.org/a?sid=1&PHPSESSID={HEX}&x=2": "org,x)/a?sid=1&x=2",
    f"http://x.org/a?jsessionid={HEX}": "org,x)/a",
    f"http://x.org/a?sid={HEX}&b=1": "org,x)/a?b=1",
    "http://x.org/a?ASPSESSIONIDAQBSDSRT=EOHBLBDDPFCLHKPGGKLILNAM&c": "org,x)/a?c",
    "http://x.org/a?CFID=12&CFTOKEN=ab-34&x=1": "org,x)/a?x=1",
    f"http://x.org/(S({ASP}))/a.aspx": "org,x)/a.aspx",
    f"http://x.org/({ASP})/a.aspx?b": "org,x)/a.aspx?b",
    f"http://x.org/(S({ASP}))/a.html": f"org,x)/(s({ASP}))/a.html",
    "dns:x.org": "dns:x.org",
    "mailto:a@x.org": "mailto:a@x.org",
    "http://x.org:port/": "http://x.org:port/",
    "http://x.org:99999/": "http://x.org:99999/",
    "http://": "http://",
    "": "",
}


@pytest.mark.parametrize(("url", "key"), KNOWN.items(), ids=range(len(KNOWN)))
def test_known_addresses_have_their_keys(url: str, key: str) -> None:
    assert urlkey(url) == key


def test_recorded_rows_have_the_archives_keys(shared: Path) -> None:
    pairs = [
        line.split("\t")[:2] for line in (shared / "urlkeys" / "pairs.tsv").read_text("utf-8").splitlines()
    ]
    pairs = [(key, url) for key, url in pairs if url.startswith("http")]  # one of the rows is no address
    assert len(pairs) > 30
    assert [(key, url, urlkey(url)) for key, url in pairs if urlkey(url) != key] == []


_WORD = st.text(st.sampled_from("aZ0-_.~%2f%2e;:=+!*()[]|\u00fc\u65e5 "), max_size=8)
_HOST = st.lists(st.sampled_from(["www", "www2", "m", "x-y", "Example", "b\u00fccher"]), max_size=2).map(
    lambda labels: ".".join([*labels, "example", "org"])
)
_QUERY = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("abAB"), _WORD).map("=".join),
        st.sampled_from([f"sid={HEX}", f"PHPSESSID={HEX}", "cfid=1", "cftoken=2", ""]),
    ),
    max_size=4,
).map("&".join)
_ADDRESSES = st.builds(
    lambda scheme, host, port, path, query, top: f"{scheme}{host}{port}/{'/'.join(path)}{query}{top}",
    st.sampled_from(["http://", "https://", "HTTP://"]),
    _HOST,
    st.sampled_from(["", ":80", ":443", ":8080"]),
    st.lists(st.one_of(_WORD, st.sampled_from(["", ".", "..", f"(S({ASP}))", "a.aspx"])), max_size=4),
    st.one_of(st.just(""), _QUERY.map("?".__add__)),
    st.sampled_from(["", "#top"]),
)


@given(url=_ADDRESSES)
def test_made_addresses_have_the_keys_that_pywb_gives(url: str) -> None:
    """pywb brings the archive's own canonicaliser; the program itself does without it, for its licence."""
    other = pytest.importorskip("surt", reason="pywb is not installed").surt
    assert urlkey(url) == other(url)


@given(url=st.one_of(_ADDRESSES, st.text(max_size=60)))
def test_any_text_has_a_key_and_an_address_the_same_with_www_and_without(url: str) -> None:
    assert isinstance(urlkey(url), str)
    assert urlkey(f"http://www.x.org/{url}") == urlkey(f"https://x.org/{url}")


@pytest.mark.parametrize("piece", ["%25", "cfid=", "(S(", "a.", "../", "&sid=", "%", "@", ":"])
def test_a_long_address_costs_in_proportion(piece: str) -> None:
    def read(times: int) -> None:
        urlkey(f"http://x.org/{piece * times}?{piece * times}")

    assert growth(read, start=5_000, largest=160_000) < 3
