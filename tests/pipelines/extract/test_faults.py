"""Kinds of pages that lost words, or took in words of others; each with several variants."""

from __future__ import annotations

import pytest

from policy_archive.crawler.core.records import Kind
from policy_archive.pipelines.extract.extraction import extract

SENTENCES = (
    "When you join the club we ask for your name, your address and your date of birth.",
    "We use them to send you the programme and to keep the accounts that the law asks of us.",
    "Our printer receives your address for each mailing, and nobody else receives anything.",
    "We keep the list of members for ten years and the letters for two years at most.",
    "You may ask us at any time what we hold, and we correct or erase it within a month.",
    "When we change this policy we tell every member by letter before it takes effect.",
)
POLICY = "<h1>Privacy policy</h1>" + "".join(
    f"<h2>Part {n}</h2><p>{s}</p>" for n, s in enumerate(SENTENCES, 1)
)
LAST = "Our officer for data protection is Wenda Farthing, who answers within a month."


def text_of(body: str, *, content_type: str = "text/html") -> str:
    page = f"<html><head><title>Privacy policy</title></head><body>{body}</body></html>"
    extraction = extract(
        page.encode(),
        url="https://club.example/privacy",
        timestamp="20200101000000",
        content_type=content_type,
    )
    assert extraction.lost_share == 0
    return extraction.text


def test_the_page_itself_is_read_whole() -> None:
    assert all(sentence in text_of(f"<main>{POLICY}</main>") for sentence in SENTENCES)


@pytest.mark.parametrize(
    "end",
    [
        f'<p class="MsoFooter">{LAST}</p>',
        f'<p id="related">{LAST}</p>',
        f'<ul class="social-list"><li>{LAST}</li></ul>',
        f'<div class="policy-footer"><h3>Contact</h3><p>{LAST}</p></div>',
        f'<blockquote class="share">{LAST}</blockquote>',
    ],
)
def test_prose_under_a_name_of_furniture_is_text(end: str) -> None:
    assert LAST in text_of(f'<div class="content">{POLICY}{end}</div>')


@pytest.mark.parametrize("name", ["share-block", "sidebar-item", "promo"])
def test_a_document_whose_parts_are_all_called_furniture_is_read(name: str) -> None:
    parts = "".join(f'<div class="{name}"><p>{sentence}</p></div>' for sentence in SENTENCES)
    text = text_of(f"<div><h1>Privacy policy</h1>{parts}</div>")
    assert all(sentence in text for sentence in SENTENCES)


@pytest.mark.parametrize(
    "box",
    [
        '<div role="dialog">{}</div>',
        '<div aria-modal="true">{}</div>',
        "<dialog open>{}</dialog>",
        '<div id="onetrust-consent-sdk"><div>{}</div></div>',
        '<div id="CybotCookiebotDialog">{}</div>',
    ],
)
@pytest.mark.parametrize("times", [2, 6, 20])
def test_what_lies_over_the_page_is_no_text_however_long(box: str, times: int) -> None:
    words = (
        "<h2>We value you</h2>" + "<p>Our partners and we read your device to show you offers.</p>" * times
    )
    over = box.format(words + "<button>Accept</button><button>Refuse</button>")
    for page in (f"{over}<main>{POLICY}</main>", f"<div>{POLICY}{over}</div>"):
        text = text_of(page)
        assert "Our partners" not in text
        assert all(sentence in text for sentence in SENTENCES)


def test_a_policy_inside_a_dialog_is_read() -> None:
    assert SENTENCES[0] in text_of(f'<div><p>Welcome to the club.</p></div><div role="dialog">{POLICY}</div>')


@pytest.mark.parametrize(
    "page",
    [
        f'<div id="app"></div><noscript>{POLICY}</noscript>',
        f'<my-page><template shadowrootmode="open">{POLICY}</template></my-page>',
        f'<my-page><template shadowrootmode="closed"><div>{POLICY}</div></template></my-page>',
        f"<iframe srcdoc='{POLICY}'></iframe>",
    ],
)
def test_text_that_a_reader_sees_is_read_wherever_the_markup_hides_it(page: str) -> None:
    text = text_of(page)
    assert all(sentence in text for sentence in SENTENCES)


def test_a_noscript_beside_the_text_is_none() -> None:
    note = "<noscript><p>Please switch on scripts to see our shop.</p></noscript>"
    assert "scripts" not in text_of(f"<main>{note}{POLICY}</main>")


@pytest.mark.parametrize("around", ["form", "center", "font", "div"])
def test_rows_are_found_through_what_stands_around_them(around: str) -> None:
    rows = "<tr><td>Bank</td><td>Payment</td></tr><tr><td>Printer</td><td>Address</td></tr>"
    text = text_of(f"<main>{POLICY}<table><{around}>{rows}</{around}></table></main>")
    assert "Bank| Payment\n---|---\nPrinter| Address" in text


@pytest.mark.parametrize(
    ("markup", "written"),
    [
        ("up to 10<sup>6</sup> members", "up to 10^6 members"),
        ("a room of 40 m<sup>2</sup>.", "40 m^2."),
        ("10<sup>-3</sup> parts", "10^-3 parts"),
        ('our bank<span style="vertical-align: super">2</span> and', "our bank^2 and"),
        ("the 1<sup>st</sup> of May", "the 1st of May"),
        ('our bank<sup><a href="#n1">1</a></sup>.', "bank[1](#n1)."),
        ("<sup>1</sup> A note.", "1 A note."),
        ('data<span role="tooltip">Facts of a person</span> safe', "data Facts of a person safe"),
        ("our insurer\freceives", "our insurer receives"),
        ("To withdraw, click <button>Cookie settings</button>, then refuse.", "click Cookie settings, then"),
        ("mar\u00adketing to cus\u200btomers", "marketing to customers"),
        ("our\ufeff capita\u0301l", "our capit\u00e1l"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("let\u200dters", "letters"),
        ("one<button>Copy</button>two", "one two"),
    ],
)
def test_words_and_numbers_do_not_run_together(markup: str, written: str) -> None:
    assert written in text_of(f"<main>{POLICY}<p>Also: {markup}</p><p>{LAST}</p></main>")


def test_cdata_is_text_in_xhtml_and_a_comment_in_html() -> None:
    page = f"<div>{POLICY}<p><![CDATA[Members & friends.]]> All of them.</p></div>"
    assert "Members & friends. All" in text_of(page, content_type="application/xhtml+xml")
    assert "friends" not in text_of(page)


@pytest.mark.parametrize("code", ["&#1;", "&#x8;", "&#x1b;", "&#xfffe;", "&#65535;", "&#x0;"])
def test_a_reference_to_no_character_costs_nothing_but_itself(code: str) -> None:
    assert "name, your" in text_of(f"<main>{POLICY.replace('name,', f'na{code}me,')}</main>").replace(
        "\ufffd", ""
    )


@pytest.mark.parametrize("code", ["&&#x0;#x0;", "&#&#1;1;", "&&&#0;#0;#0;", "&</html>#1;"])
def test_a_reference_that_appears_when_another_goes_costs_no_page(code: str) -> None:
    assert all(sentence in text_of(f"<main><p>{code}{POLICY}</main>") for sentence in SENTENCES)
    frame = f"<iframe srcdoc='<p>One more thing that we say: {code.replace('&', '&amp;')} here.'></iframe>"
    assert "One more thing" in text_of(f"<main>{POLICY}{frame}</main>")


@pytest.mark.parametrize("tag", ["<div<b>", '<td"width=5>', '<HTTP-EQUIV="PRAGMA" CONTENT="NO-CACHE">'])
@pytest.mark.parametrize("depth", [1, 300])
def test_a_tag_that_is_none_costs_no_text(tag: str, depth: int) -> None:
    page = "<div>" * depth + tag + POLICY + "</div>" * depth
    assert all(sentence in text_of(page) for sentence in SENTENCES)


def _teasers(link: str) -> str:
    items = [
        f"<li>{link.format(n)}<p>The mayor said on Monday that bridge number {n} is to be mended.</p></li>"
        for n in range(6)
    ]
    return f"<div class='rail'><h3>Most popular</h3><ul>{''.join(items)}</ul></div>"


@pytest.mark.parametrize(
    "link",
    [
        "<h3><a href='/news/{}'>Bridge closed</a></h3>",
        "<a href='https://club.example/n/{}'><img alt=''>By day <h4>Bridge closed</h4></a>",
    ],
)
def test_a_row_of_teasers_is_no_text_and_its_label_goes_along(link: str) -> None:
    text = text_of(f"<article><div>{POLICY * 3}</div><div>{_teasers(link)}</div></article>")
    assert "mayor" not in text
    assert "popular" not in text
    assert all(sentence in text for sentence in SENTENCES)


def test_sections_with_linked_headings_inside_the_page_are_text() -> None:
    assert "mayor" in text_of(
        f"<article>{POLICY * 3}{_teasers('<h3><a href=#part{}>Bridges</a></h3>')}</article>"
    )


@pytest.mark.parametrize(
    "box", ["<nav>{}</nav>", "<div id='main-nav'>{}</div>", "<div role='navigation'>{}</div>"]
)
def test_a_menu_longer_than_a_third_of_the_page_is_no_text(box: str) -> None:
    links = "".join(f"<li><a href='/p/{n}'>Local page number {n} of us</a></li>" for n in range(12))
    teaser = "<div><p>Barrett was close to the record once more on a warm evening in June.</p></div>"
    menu = box.format(f"<ul>{links}</ul>{teaser}")
    text = text_of(f"<div class='wrap'>{menu}<h1>Privacy policy</h1>{POLICY * 2}</div>")
    assert "Local page" not in text
    assert "Barrett" not in text


TERMS = "".join(f"<p>An order binds you for {n} days once we have confirmed it.</p>" for n in range(40))
RIGHTS = "".join(
    f"<p>We keep your letters for {n} years and then hand them to the archive.</p>" for n in range(40)
)


@pytest.mark.parametrize(
    "page",
    [
        f"<h1>Legal</h1><p><b>Terms of Service</b></p>{TERMS}<p><strong>Privacy Policy</strong></p>{RIGHTS}",
        f"<h1>Legal</h1><a name=t></a><b>Terms of Service</b>{TERMS}<b>Privacy Policy</b>{RIGHTS}",
        f"<h2>Terms of Service</h2>{TERMS}<h2>Privacy Policy</h2>{RIGHTS}",
    ],
)
def test_of_two_documents_under_bold_titles_the_kind_asked_for_is_read(page: str) -> None:
    html = f"<html><title>Legal</title><body><div>{page}</div></body></html>".encode()
    texts = {
        kind: extract(
            html, url="https://x.example/legal#none", timestamp="", content_type="text/html", kind=kind
        )
        for kind in (Kind.PRIVACY, Kind.TERMS)
    }
    assert "letters" in texts[Kind.PRIVACY].text
    assert "order" not in texts[Kind.PRIVACY].text
    assert "order" in texts[Kind.TERMS].text
    assert "letters" not in texts[Kind.TERMS].text
    assert texts[Kind.TERMS].documents_on_page == 2


def test_terms_whose_sections_have_titles_in_bold_stay_whole() -> None:
    sections = ("Terms of Service", "Orders", "Privacy Policy", "Payment", "Complaints")
    page = "<h1>Legal</h1>" + "".join(f"<p><b>{name}</b></p>{TERMS}" for name in sections)
    html = f"<html><title>Legal</title><body><div>{page}</div></body></html>".encode()
    text = extract(html, url="", timestamp="", content_type="text/html", kind=Kind.TERMS).text
    assert all(name in text for name in sections)
