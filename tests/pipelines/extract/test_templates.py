"""Pages as templates of shops and tools write them: nothing is lost, nothing around taken in."""

from __future__ import annotations

import pytest
from lxml import html

from policy_archive.crawler.core.records import Kind
from policy_archive.pipelines.extract.extraction import extract
from policy_archive.pipelines.extract.source.parse import parse_html

SENTENCES = (
    "Harrowgate Goods explains in this notice how it handles the data of everyone who visits its shop.",
    "When you place an order we store your name, your delivery address and the number for the courier.",
    "We keep invoices for seven years because tax law obliges us to, and we erase everything else.",
    "You may ask us for a copy of your data, have it corrected, or object to its use at any time.",
    "If you think that we handle your data unlawfully you can complain to the supervisory authority.",
    "Children under sixteen may use the shop only together with a parent, and we erase other accounts.",
)
HEADINGS = ("What we collect", "How long we keep it", "Your rights", "Complaints", "Children")
MAIL = "Questions: write to data@harrowgate.example or to Harrowgate Goods, 12 Mill Lane, Leeds."
POLICY = f"<h1>Privacy Policy</h1><p>Last updated: 4 March 2021</p><p>{SENTENCES[0]}</p>" + "".join(
    f"<h2>{heading}</h2><p>{sentence}</p>" for heading, sentence in zip(HEADINGS, SENTENCES[1:], strict=True)
)
NAV = "<nav><ul><li><a href='/a'>New arrivals</a></li><li><a href='/b'>Garden tools</a></li></ul></nav>"
FOOT = "<footer><p>© 2021 Harrowgate Goods</p><a href='/jobs'>Careers with us</a></footer>"
ANNEX = "<table><tr><th>Name<th>Purpose</tr><tr><td>Acme Mail<td>sending letters</tr></table>"
MENU = "".join(
    f"<div><b>{name}</b><a href='/{name}'>Shop {name} for less</a><a href='/{name}/2'>{name} gift cards</a>"
    f"<p>Discover our hand picked {name} range, made by people who care about their craft</p></div>"
    for name in ("Garden", "Kitchen", "Bath", "Office", "Travel")
)
SIGN_UP = """<section class=cta><h2>Stay in touch</h2><p>Join twelve thousand readers who receive our letter
    about gardens every week.</p><form><input type=email><button>Join</button></form></section>"""
OPT_OUT = """<section><h2>Do not sell my personal information</h2><p>Give us your address and we stop selling
    what we know of you within a day.</p><form><input type=email><button>Stop</button></form></section>"""
APP = """<section><h2>Get the app</h2><p>Scan the code with your phone and shop from wherever you happen to
    be.</p><a href='https://apps.apple.com/x'>App Store</a></section>"""
RAIL = "<div><h3>Most popular</h3>" + "".join(
    f"<div class=card><a href='/n/{n}'><h4>{name}</h4></a><span>{n} May 2021</span><p>{name}, and what the"
    " neighbours said about it in the words of our reporter</p></div>"
    for n, name in enumerate(("Bakery reopens", "Council votes on bridge", "Storm fells old oak"), 2)
)
RELATED = """<div><h3>You might also like</h3><div><a href='/r/1'>How to return a parcel</a><br>Posted on
    3 May</div><div><a href='/r/2'>Choosing the right pot</a><br>Posted on 9 May</div></div>"""
AROUND = ("New arrivals", "Garden tools", "Careers with us")
case = pytest.param


@pytest.mark.parametrize(
    ("body", "held", "left_out"),
    [
        case(f"{NAV}<main>{POLICY}</main>{FOOT}", (), (), id="plain"),
        case(f"{NAV}<main><div>{POLICY}</div><aside><h2>Contact</h2><p>{MAIL}</p></aside></main>{FOOT}",
            (MAIL,), (), id="a contact set beside the text, in the main part"),
        case(f"{NAV}<article>{POLICY}</article><div><h2>Annex: who works for us</h2>{ANNEX}</div>{FOOT}",
            ("Acme Mail", "sending letters"), (), id="an annex that is a table"),
        case(f"<div><div class=megamenu>{MENU}</div></div><div>{POLICY}</div>{FOOT}",
            (), ("hand picked", "gift cards"), id="a mega menu of boxes"),
        case(f"{NAV}<main>{POLICY}{SIGN_UP}</main>{FOOT}", (), ("Stay in touch",), id="a box to sign up"),
        case(f"{NAV}<main>{POLICY}{OPT_OUT}</main>{FOOT}", ("we stop selling",), (), id="a form to opt out"),
        case(f"{NAV}<main><section>{POLICY}</section>{APP}</main>{FOOT}", (), ("Get the app",), id="an app"),
        case(f"{NAV}<div><div>{POLICY}</div>{RAIL}</div></div>{FOOT}", (), ("Bakery",), id="a rail"),
        case(f"{NAV}<main><div>{POLICY}</div><div><h2>They trust us</h2><img></div></main>{FOOT}",
            (), ("They trust us",), id="pictures under a heading"),
        case(f"{NAV}<main>{POLICY.replace('</h2>', '<a href=#x>¶</a></h2>')}</main>{FOOT}",
            (), ("¶",), id="signs to link to headings"),
        case(f"{NAV}<article>{POLICY}{RELATED}</article>{FOOT}", (), ("also like", "parcel"), id="related"),
    ],
)  # fmt: skip
def test_the_policy_is_whole_and_alone(body: str, held: tuple[str, ...], left_out: tuple[str, ...]) -> None:
    text = read(f"<html><head><title>Privacy</title></head><body>{body}</body></html>")
    for line in (*SENTENCES, *HEADINGS, "4 March 2021", *held):
        assert line in text
    for line in (*AROUND, *left_out):
        assert line not in text


@pytest.mark.parametrize("tag", ["main", "article", "section", "header", "app-policy", "nav", "aside"])
def test_a_page_without_the_tag_of_its_body_begins_where_browsers_let_it_begin(tag: str) -> None:
    """libxml2 knows no elements of HTML5 and leaves them in the head, where no reader sees any text."""
    head = "<!doctype html><meta charset=utf-8><title>Privacy</title>"
    text = read(f"{head}<{tag}><p>Loose words come first here.</p></{tag}><main>{POLICY}</main>")
    for line in (*SENTENCES, *HEADINGS):
        assert line in text
    tree = parse_html(f"{head}<{tag}>a <b>b</b></{tag}> c<p>d</p> e")
    assert tree.find("head").text_content() == "Privacy"
    assert tree.find("body").text_content() == "a b cd e"
    assert [child.tag for child in tree.find("body")] == [tag, "p"]
    assert html.tostring(tree).count(b"<title>") == 1


def read(page: str) -> str:
    url = "https://harrowgate.example/privacy"
    found = extract(page.encode(), url=url, timestamp="", content_type="text/html", kind=Kind.PRIVACY)
    return " ".join(found.text.replace("\\", "").split())
