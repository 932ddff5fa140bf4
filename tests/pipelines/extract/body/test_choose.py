"""What of a page is the document: pages written for this, in several languages and times."""

from __future__ import annotations

import re

import pytest
from lxml import etree

from policy_archive.crawler.core.records import POLICY_KINDS, Kind
from policy_archive.crawler.discovery.words import GERMAN, fold, match_name
from policy_archive.data import read_words
from policy_archive.pipelines.extract.body.documents import name_kind
from policy_archive.pipelines.extract.page import transform_page
from policy_archive.pipelines.extract.source.parse import parse_html

PROSE = {
    "en": "We collect the data that you give us when you register, and keep it while you are our customer. ",
    "de": "Wir erheben die Daten, die Sie uns bei der Anmeldung geben, und speichern sie bis auf Widerruf. ",
    "ja": "当社は、お客様が登録の際に提供した情報を収集し、お客様である限り保存します。",
    "ru": "Мы собираем данные, которые вы сообщаете нам при регистрации, и храним их, пока вы наш клиент. ",
}


def paragraphs(language: str, count: int) -> str:
    return "".join(f"<p>n{number} {PROSE[language]}</p>" for number in range(count))


@pytest.mark.parametrize("language", PROSE)
@pytest.mark.parametrize(
    "frame",
    [
        "<div class=menu><a href=/1>AA</a> <a href=/2>BB</a></div><div>{body}</div><div>© 2020 CC</div>",
        "<nav><ul><li><a href=/1>AA</a></ul></nav><article>{body}</article><aside><a href=/x>DD</a></aside>",
        "<table><tr><td width=20%><a href=/1>AA</a><br><a href=/2>BB</a><td>{body}</table>",
        "<form><div><a href=/1>AA</a></div><div>{body}</div><div><a href=/3>BB</a></div></form>",
        "<center><font><a href=/1>AA</a> | <a href=/2>BB</a></font></center><font>{body}</font>",
    ],
    ids=["divs", "html5", "layout table", "form around all", "1997"],
)
def test_the_whole_document_and_nothing_around_it(language: str, frame: str) -> None:
    body = paragraphs(language, 8)
    page = transform_page(parse_html(f"<body>{frame.format(body=body)}</body>"), url="https://x.org/p")

    assert page.text == "\n\n".join(f"n{number} {PROSE[language].strip()}" for number in range(8)) + "\n"
    assert page.kept_share == 1.0


def test_date_and_title_above_the_body_come_along_and_the_banner_does_not() -> None:
    html = (
        "<body><div role=dialog><p>We use cookies to make this site better for everyone who comes here.</p>"
        "<button>Accept</button></div><header><a href=/>Home</a></header>"
        "<div class=hero><div><h1>Privacy Policy</h1><p>Last updated 3 May 2020</p></div></div>"
        f"<div class=content>{paragraphs('en', 9)}</div></body>"
    )
    text = transform_page(parse_html(html), url="").text

    assert text.startswith("# Privacy Policy\n\nLast updated 3 May 2020\n\nn0 We collect")
    assert "cookies" not in text and "Home" not in text


@pytest.mark.parametrize(
    "box",
    [
        "<ul><li><a href='https://www.facebook.com/sharer/sharer.php?u=x'>Share</a><li>"
        "<a href='https://twitter.com/intent/tweet?url=x'>Tweet</a><li><a href='mailto:?body=x'>@</a></ul>",
        "<div>Shares <a href='https://www.linkedin.com/shareArticle?url=x'>Post</a> "
        "<a href='https://x.com/share?url=x'>Post</a></div>",
        "<ul><li><a href='/de/p'>Deutsch</a><li><a href='/fr/p'>Français</a>"
        "<li><a href='/pt/p'>Português (BR)</a></ul>",
        "<div><a href='/a' hreflang=sv>På svenska</a> | <a href='/b' hreflang=fi>Suomeksi</a></div>",
        "<div class='ad-slot'>Advertisement – Continue reading below</div>",
        "<div><time>Updated 3 years ago</time></div>",
        "<p>vor 3 Jahren</p>",
    ],
    ids=["share list", "share bar", "languages", "hreflang", "advertisement", "time since", "time since, de"],
)
@pytest.mark.parametrize("place", ["below the title", "amid the text", "at the end"])
def test_what_every_page_of_a_site_has_is_no_text(box: str, place: str) -> None:
    above, below = paragraphs("en", 5), paragraphs("en", 4)
    boxes = {"below the title": (box, "", ""), "amid the text": ("", box, ""), "at the end": ("", "", box)}
    head, amid, end = boxes[place]
    plain = f"<body><main><h1>Privacy policy</h1>{{}}{above}{{}}{below}{{}}</main></body>"

    page = transform_page(parse_html(plain.format(head, amid, end)), url="https://x.org/p")

    assert page.text == transform_page(parse_html(plain.format("", "", "")), url="https://x.org/p").text
    assert page.lost_share == 0


@pytest.mark.parametrize(
    "line",
    [
        "<p>We show <a href='https://twitter.com/intent/tweet?url=x'>buttons</a> of others on our pages.</p>",
        "<p>This policy binds us in <a href='/de/p'>German</a> alone, whatever translations of it say.</p>",
        "<p>Section 3: what you did 30 days ago is what we look at when we count your visits.</p>",
        "<div class='ad-choices'>Our partners are told of the pages that you visit on this site.</div>",
    ],
)
def test_a_sentence_about_such_things_is_text(line: str) -> None:
    html = (
        f"<body><main><h1>Privacy policy</h1>{paragraphs('en', 5)}{line}{paragraphs('en', 4)}</main></body>"
    )
    said = " ".join(re.sub("<[^>]+>", "", line).split())

    text = transform_page(parse_html(html), url="https://x.org/p").text

    assert said in re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)


@pytest.mark.parametrize(
    "last",
    [
        "<table><tr><th>Who<th>Why</tr>"
        + "".join(f"<tr><td><a href='https://v{n}.example'>Vendor {n}</a><td>Hosting</tr>" for n in range(30))
        + "</table>",
        "<ul>" + "".join(f"<li>Vendor {n}</li>" for n in range(30)) + "</ul>",
        "<dl>" + "".join(f"<dt>Cookie {n}</dt><dd>Two years</dd>" for n in range(12)) + "</dl>",
    ],
    ids=["table of data", "list", "terms"],
)
def test_a_text_may_end_in_a_long_list_of_short_things(last: str) -> None:
    html = (
        f"<body><nav><a href=/>Home</a></nav><main><h1>Privacy policy</h1>{paragraphs('en', 3)}"
        f"<p>Those who work for us:</p>{last}</main><footer><a href=/x>Imprint</a></footer></body>"
    )
    page = transform_page(parse_html(html), url="https://x.org/p")

    assert ("Vendor 29" in page.text) or ("Cookie 11" in page.text)
    assert "Home" not in page.text and "Imprint" not in page.text


@pytest.mark.parametrize("place", ["section", "div"])
def test_who_is_responsible_is_text_beside_the_main_part_and_a_call_to_buy_is_not(place: str) -> None:
    main = f"<main><h1>Privacy policy</h1>{paragraphs('en', 9)}</main>"
    address = "The club of the town, 1 High Street, telephone 01234 567890"
    offer = "Try our club for thirty days, it costs you nothing at all."
    who = f"<{place}><h2>Controller</h2><p>{address}</p></{place}>"
    buy = f"<{place}><h2>Ready?</h2><p>{offer} <a href=/join>Join</a></p></{place}>"

    text = transform_page(parse_html(f"<body>{main}{who}{buy}</body>"), url="https://x.org/p").text

    assert "telephone 01234 567890" in text
    assert "thirty days" not in text


def test_columns_beside_a_text_without_any_heading_are_no_text() -> None:
    def column(name: str) -> str:
        return (
            f"<td><table><tr><td>{name}<tr><td>"
            + "".join(f"<a href=/c{n}>Shop {n}</a><br>" for n in range(7))
            + "</table>"
        )

    text = "<br><br>".join(f"n{number} {PROSE['en'].strip()}" for number in range(8))
    middle = f"<td><font size=5>Privacy notice</font><p>{text}"
    html = f"<body><table><tr>{column('Categories')}{middle}{column('Bestsellers')}</table>"

    page = transform_page(parse_html(html), url="https://x.org/p")

    assert page.text.startswith("Privacy notice\n\nn0 We collect")
    assert page.text.endswith("n7 " + PROSE["en"].strip() + "\n")


@pytest.mark.parametrize("title", ["Privacy policy", "Datenschutzerklärung", "プライバシーポリシー"])
def test_without_an_h1_the_heading_that_names_a_policy_is_the_title(title: str) -> None:
    html = (
        "<body><div id=banner><h2>The Club</h2><p>Fun for all</p></div><div id=left><ul><li><a href=/n>N</a>"
        f"<li><a href=/s>Shop</a></ul></div><div id=center><h3>{title}</h3>{paragraphs('en', 9)}</div>"
        "<div id=right><h4>News</h4><p>The spring party is in the hall. <a href=/n>More</a></p></div></body>"
    )
    page = transform_page(parse_html(html), url="https://x.org/p")

    assert page.text.startswith(f"### {title}\n\nn0 We collect")
    assert page.text.endswith("n8 " + PROSE["en"].strip() + "\n")


def test_the_last_of_many_asides_with_prose_is_kept_like_the_others() -> None:
    note = "<aside class=brief><p>In short: we keep little and we share less of what you give us.</p></aside>"
    sections = "".join(f"<div><h2>Part {n}</h2>{paragraphs('en', 2)}{note}</div>" for n in range(4))

    text = transform_page(parse_html(f"<body><main>{sections}</main></body>"), url="").text

    assert text.count("In short") == 4


@pytest.mark.parametrize(
    "line", ["Copyright(C) 2009 Club Co., Ltd.", "Copyright 2011 The Club", "(C) Copyright Club"]
)
def test_a_copyright_line_without_its_sign_is_the_pages_foot(line: str) -> None:
    html = f"<body><div>{paragraphs('en', 9)}</div><div><p>{line}</p></div></body>"

    assert line[:9] not in transform_page(parse_html(html), url="").text


@pytest.mark.parametrize(
    "line", ["Advertisement", "Loading, please wait ...", "Werbung", "ページトップへ", "<a href=#top>Top</a>"]
)
def test_a_label_of_the_page_at_the_end_is_no_text(line: str) -> None:
    html = f"<body><div>{paragraphs('en', 9)}{line}</div></body>"

    assert transform_page(parse_html(html), url="").text.endswith("n8 " + PROSE["en"].strip() + "\n")


def test_a_second_copy_of_the_document_is_dropped_and_repeated_sections_stay() -> None:
    copy = f"<div>{paragraphs('en', 9)}</div>"
    twice = transform_page(parse_html(f"<body><main>{copy}{copy}</main></body>"), url="").text
    section = f"<div>{paragraphs('en', 1)}</div>"
    rights = f"<h2>Europe</h2>{section}<h2>California</h2>{section}{paragraphs('de', 9)}"

    assert twice == transform_page(parse_html(f"<body><main>{copy}</main></body>"), url="").text
    assert transform_page(parse_html(f"<body>{rights}</body>"), url="").text.count(PROSE["en"].strip()) == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("<a href=/><h1>Acme</h1></a>", "", id="site's name inside a link"),
        pytest.param("<h1><a href=https://x.org>Acme</a></h1>", "", id="link inside the site's name"),
        pytest.param(
            "", f"<textarea>{'<b>Embed</b> this page on your own one. ' * 9}</textarea>", id="code to copy"
        ),
        pytest.param(
            "", "<div class=share><h2>Tell others</h2><ul><li><a href=/s>Acme</a></ul></div>", id="share"
        ),
        pytest.param("", "<p><a href=#top>Up</a></p>", id="link to the top"),
        pytest.param(
            "<p><a href=javascript:print()>Print</a></p>", "<p><a href=#>Top</a></p>", id="page tools"
        ),
    ],
)
def test_what_stands_right_around_the_text_is_left_out(before: str, after: str) -> None:
    html = f"<body>{before}<h2>Privacy</h2>{paragraphs('en', 9)}{after}</body>"
    text = transform_page(parse_html(html), url="https://x.org/p").text

    assert text.startswith("## Privacy\n\nn0 We collect")
    assert text.endswith(f"n8 {PROSE['en'].strip()}\n")


@pytest.mark.parametrize(
    "ending",
    [
        "<p><a href=#a>Data we collect</a></p><p><a href=#b>Rights</a></p><p><a href=#c>Ending</a></p>",
        "<table><tr><th>Of<th>At<tr><td>A<td><a href=/a>A</a><tr><td>Ending<td><a href=/b>B</a></table>",
        f"<div><p>{PROSE['en']} See <a href=https://y.org>the ending</a>: Ending</p></div>",
        "<article><footer>Whatever else you want to know of this, please ask us: Ending</footer></article>",
    ],
    ids=["contents", "table of links", "link to another site", "footer of an article"],
)
def test_links_and_footers_that_end_the_text_stay(ending: str) -> None:
    html = (
        f"<body><nav><a href=/>Home</a></nav><div><h1>Privacy</h1>{paragraphs('en', 20)}{ending}</div></body>"
    )
    assert "Ending" in transform_page(parse_html(html), url="https://x.org/p").text


def test_the_tree_is_left_as_it_was() -> None:
    tree = parse_html(
        f"<body><nav><a href=/>Home</a></nav><main><h1>P</h1>{paragraphs('en', 5)}</main></body>"
    )
    before = etree.tostring(tree)
    transform_page(tree, url="https://x.org/#a", kind=Kind.PRIVACY)

    assert etree.tostring(tree) == before


SEVERAL = (
    "<body><main><h1>Legal</h1>"
    f"<h2 id=tos>Terms of Service</h2>{paragraphs('en', 12)}"
    f"<h2 id=pp>Privacy Policy</h2>{paragraphs('de', 12)}"
    f"<h2>Cookie Policy</h2>{paragraphs('ru', 12)}</main></body>"
)


@pytest.mark.parametrize(
    ("kind", "url", "language"),
    [
        (Kind.PRIVACY, "https://x.org/legal", "de"),
        (Kind.TERMS, "https://x.org/legal", "en"),
        (Kind.COOKIES, "https://x.org/legal", "ru"),
        (Kind.PRIVACY, "https://x.org/legal#tos", "en"),
    ],
    ids=["privacy", "terms", "cookies", "a fragment says more than the kind"],
)
def test_the_document_asked_for_is_taken_from_a_page_of_several(kind: Kind, url: str, language: str) -> None:
    page = transform_page(parse_html(SEVERAL), url=url, kind=kind)

    assert page.text.count(PROSE[language].strip()) == 12
    assert sum(page.text.count(prose.strip()) for prose in PROSE.values()) == 12
    assert page.documents_on_page == 3


def test_without_a_kind_all_documents_of_a_page_are_kept_and_counted() -> None:
    page = transform_page(parse_html(SEVERAL), url="https://x.org/legal")

    assert page.documents_on_page == 3
    assert page.text.count("## ") == 3


def test_a_policy_with_a_section_on_cookies_is_one_document() -> None:
    html = (
        f"<body><h1>Privacy Policy</h1><h2>Who we are</h2>{paragraphs('en', 12)}<h2>Cookie policy</h2>"
        f"{paragraphs('de', 12)}<h2>Privacy policy of others</h2>{paragraphs('ru', 3)}</body>"
    )
    page = transform_page(parse_html(html), url="", kind=Kind.COOKIES)

    assert page.documents_on_page == 1
    assert all(prose.strip() in page.text for key, prose in PROSE.items() if key != "ja")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Acme Privacy Policy", Kind.PRIVACY),
        ("Politique de confidentialité", Kind.PRIVACY),
        ("利用規約", Kind.TERMS),
        ("豆包隐私政策", Kind.PRIVACY),
        ("Cookie-Richtlinie", Kind.COOKIES),
        ("Datenschutzerklaerung", Kind.PRIVACY),
        ("Politica de privacidad", Kind.PRIVACY),
        ("8. Privacy", None),
        ("How we protect what you tell us", None),
    ],
)
def test_a_documents_name_says_its_kind(name: str, kind: Kind | None) -> None:
    assert name_kind(name) is kind


@pytest.mark.parametrize("kind", POLICY_KINDS)
def test_a_link_and_a_heading_of_one_name_say_the_same(kind: Kind) -> None:
    phrases = [phrase for entry in read_words("policy-names")[kind].values() for phrase in entry["strong"]]
    names = {form for phrase in phrases for form in (phrase, phrase.translate(GERMAN), phrase.upper())}
    assert names

    said = {name: (name_kind(name), {match.kind for match in match_name(fold(name))}) for name in names}

    assert not {name: both for name, both in said.items() if both[0] not in both[1] or kind not in both[1]}
