"""Pages of every kind that archives hold at a policy's address, and policies of every make, all made up here."""

# ruff: noqa: E501 (pages read better unwrapped)

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_archive.crawler.core.records import Document, HomePage, Kind, Outcome, Reading, Verdict
from policy_archive.pipelines.extract.extraction import extract_page
from policy_archive.pipelines.judging.likeness import is_nearly
from policy_archive.pipelines.judging.page import judge_page
from policy_archive.pipelines.reading.read import read_body

ADDRESS = "https://bluebird.example/privacy"
FOOTER = """<div class=footer><a href=/privacy>Privacy Policy</a> | <a href=/terms>Terms of Use</a> |
<a href=/cookies>Cookie Policy</a> | <a href=/contact>Contact us</a><br>
Copyright 2004 Bluebird Inc. All rights reserved. We use cookies to make this site work.</div>"""

FRONT_PAGE = """<title>Bluebird - garden tools since 1921</title>
<h1>Welcome to Bluebird</h1><p>Spring has come to the valley, and our spades are sharp again. Visit the workshop on
Saturday and see how a handle of ash is turned.</p>
<h2>News</h2><ul><li><a href=/n1>New rakes for heavy soil have arrived</a><li><a href=/n2>The mill is closed in
March</a><li><a href=/n3>Prize for the oldest wheelbarrow of the county</a></ul>
<p>Sign up for our newsletter: we send four letters a year with hints for the season.</p>"""
SHOP = """<title>Watering can, 9 litres | Bluebird shop</title><h1>Watering can, 9 litres</h1>
<p>Zinc, with a brass rose. Price $39.90, in stock, ships within two days. Add to cart.</p>
<table><tr><td>Weight<td>1.8 kg<tr><td>Height<td>41 cm<tr><td>Warranty<td>10 years</table>
<h2>Customers also bought</h2><ul><li><a href=/p1>Hose, 20 m</a> $25.00<li><a href=/p2>Rain barrel</a> $89.00</ul>
<p>Free shipping for orders above $50. Returns within 30 days. Create an account to track your order.</p>
<h2>Reviews</h2><p>It pours well and does not leak, says Anna. Mine is three years old and looks as new.</p>"""
FORUM = """<title>Bluebird forum :: Index</title><h1>Gardeners' forum</h1>
<p>Please log in or register to post. Forgot your password? Read the rules before you post.</p>
<table><tr><td><a href=/f1>Roses</a><td>1,204 topics<td>Last post by tom, yesterday 18:02
<tr><td><a href=/f2>Pests and diseases</a><td>988 topics<td>Last post by rita, yesterday 12:40
<tr><td><a href=/f3>Privacy hedges</a><td>77 topics<td>Last post by joe, Monday 9:11</table>
<p>Our users have posted a total of 91,023 articles. We have 4,120 registered users. The newest registered
user is spade77. In total there are 31 users online: 4 registered, 1 hidden and 26 guests.</p>"""
JOBS = """<title>Jobs at Bluebird</title><h1>Open positions</h1>
<ul><li><b>Turner</b>, full time. You turn handles of ash and keep the lathe in order. Three years of experience.
<li><b>Bookkeeper</b>, part time. You collect invoices, process payments and share reports with our partners.
<li><b>Data protection officer</b>, part time. You advise our team on privacy and answer requests.</ul>
<p>We offer 30 days of holiday, a canteen and a garden. Send your application to jobs@bluebird.example.</p>"""
ARTICLE = """<title>Who reads along? Privacy in the age of the loyalty card - The Valley Courier</title>
<h1>Who reads along?</h1><p>By Jane Doe, 4 May 2004</p>
<p>When Martha Green hands over her card at the till, the shop learns what she eats. "I had no idea", she said on
Tuesday. Chains collect the data of millions of customers, according to a report by a consumers' group.</p>
<p>A spokesman told the Courier that the company sells no personal information to third parties. Critics doubt it.
"Nobody reads a privacy policy", said Professor Hill, who teaches law at the university of the valley.</p>
<p>Last year the regulator fined two chains. Both announced that they would appeal. The hearing is in June.</p>
<p>Read more: How cookies work. Share this article. 14 comments.</p>"""
PARKED = """<title>bluebird.example</title><h1>bluebird.example</h1><p>This domain is for sale. Buy this domain.</p>
<p>Related searches: <a href=/1>Garden tools</a> <a href=/2>Cheap flights</a> <a href=/3>Privacy</a></p>"""
ERROR = """<title>Bluebird</title><h1>Sorry</h1><p>The page that you requested could not be found. It may have moved.
Go to the home page or use the search.</p>"""
GAME_RULES = """<title>Rules of wheelbarrow racing</title><h1>Rules of wheelbarrow racing</h1>
<ol><li>A team has two players: one pushes, one sits. <li>The race begins when the referee lowers the flag.
<li>A player who leaves the track must return at the place where he left it. <li>The barrow must not be turned.
<li>Pushing another barrow is not allowed, and the referee may stop the race. <li>The team that first brings
its barrow over the line with both players wins. <li>If two barrows arrive together, the race is run again.</ol>
<p>The referee's word is final. Races are run on grass, on a track of two hundred metres with three bends.</p>"""
STATUTES = """<title>Ajedrez Azulejo</title><h1>Reglamento del torneo</h1>
<p>El torneo se juega a siete rondas por sistema suizo. Cada jugador dispone de noventa minutos para la partida.
El jugador que llegue con más de treinta minutos de retraso pierde la partida.</p>
<p>El árbitro anota los resultados en la tabla. Los emparejamientos de la ronda siguiente se publican por la
tarde. En caso de empate decide la partida entre los dos jugadores.</p>"""
RECIPE = """<title>Plätzchen mit Mandeln</title><h1>Mandelplätzchen</h1>
<p>Für sechzig Plätzchen braucht man 300 g Mehl, 200 g Butter, 100 g Zucker und 100 g gemahlene Mandeln. Alles
verkneten und eine Stunde kalt stellen. Den Teig ausrollen, Kreise ausstechen und zwölf Minuten backen.</p>
<p>Mit Puderzucker bestäuben, solange die Plätzchen warm sind. In einer Dose halten sie vier Wochen.</p>"""
OTHERS = {
    "front page": FRONT_PAGE,
    "shop": SHOP,
    "forum": FORUM,
    "job list": JOBS,
    "article about privacy": ARTICLE,
    "parked page": PARKED,
    "error page": ERROR,
    "rules of a game": GAME_RULES,
    "rules of a tournament, Spanish": STATUTES,
    "recipe, German": RECIPE,
}

OLD = """<HTML><HEAD><TITLE>Privacy Statement</TITLE></HEAD><BODY BGCOLOR="#FFFFFF"><CENTER><FONT SIZE=+2>
<B>Privacy Statement</B></FONT></CENTER><P>We respect the privacy of our visitors. Our server keeps a log of the
pages that are read; it holds the address of your computer and not your name.<P>If you fill in the guestbook, we
store your name and your e-mail address. We never sell or give this information to anybody else.<P>Questions?
Write to the <A HREF="mailto:webmaster@bluebird.example">webmaster</A>.</BODY></HTML>"""
SHORT = """<title>Privacy Policy</title><h1>Privacy Policy</h1><p>We collect your name and e-mail address when you
order. We use them to send what you ordered and share them with nobody. Ask us, and we delete them.</p>"""
GERMAN = """<title>Datenschutzerklärung</title><h1>Datenschutzerklärung</h1><p>Wir erheben personenbezogene Daten
nur, soweit dies für die Bestellung nötig ist. Eine Weitergabe an Dritte erfolgt nicht. Sie haben das Recht auf
Auskunft, Berichtigung und Löschung Ihrer Daten. Unsere Website verwendet Cookies.</p>"""
FRENCH = """<title>Politique de confidentialité</title><h1>Politique de confidentialité</h1><p>Nous collectons vos
données personnelles pour traiter votre commande. Elles ne sont pas cédées à des tiers. Vous disposez d'un droit
d'accès, de rectification et de suppression de vos données. Ce site utilise des cookies.</p>"""
POLISH = """<title>Polityka prywatności</title><h1>Polityka prywatności</h1><p>Administratorem danych osobowych
jest Bluebird. Przetwarzamy dane w celu realizacji zamówienia. Danych nie udostępniamy osobom trzecim. Masz prawo
dostępu do danych, ich poprawiania i usunięcia. Serwis używa plików cookies.</p>"""
JAPANESE = """<title>プライバシーポリシー</title><h1>プライバシーポリシー</h1><p>当社は、ご注文の際にお客様の個人情報を
収集します。個人情報は商品の発送のためにのみ利用し、法令に基づく場合を除き、第三者に提供しません。お客様は、
個人情報の開示、訂正、削除を請求することができます。当サイトではクッキーを使用しています。</p>"""
POLICIES = {
    "old markup": OLD,
    "very short": SHORT,
    "German": GERMAN,
    "French": FRENCH,
    "Polish": POLISH,
    "Japanese": JAPANESE,
}


def judge(html: str, *, expected: Kind | None = Kind.PRIVACY, url: str = ADDRESS, home: str = "") -> Verdict:
    page = extract_page(
        html.encode(), url=url, timestamp="20040601000000", content_type="text/html; charset=utf-8"
    )
    return judge_page(page.extraction, tree=page.tree, url=url, expected=expected, home_text=home)


def by_name(pages: dict[str, str]) -> list[object]:
    return [pytest.param(html, id=name) for name, html in pages.items()]


@pytest.mark.parametrize("footer", [pytest.param("", id="bare"), pytest.param(FOOTER, id="with a footer")])
@pytest.mark.parametrize("html", by_name(OTHERS))
def test_what_is_no_policy_is_none_blind_and_at_its_address(html: str, footer: str) -> None:
    blind = judge(html + footer, expected=None, url="https://bluebird.example/")
    assert [verdict.page_class == "policy" for verdict in (blind, judge(html + footer))] == [False, False]


@pytest.mark.parametrize("html", by_name(POLICIES))
def test_a_policy_is_one_however_short_or_old_it_is(html: str) -> None:
    verdict = judge(html)
    assert (verdict.page_class, verdict.kind) == ("policy", Kind.PRIVACY), verdict


@pytest.mark.parametrize("html", by_name(POLICIES))
def test_a_policy_stays_one_below_a_menu_and_above_a_footer(html: str) -> None:
    menu = "<ul><li><a href=/>Home</a><li><a href=/shop>Shop</a><li><a href=/news>News</a></ul>"
    assert judge(menu + html + FOOTER).page_class == "policy"


def iter_parts(pages: Sequence[str]) -> Iterator[str]:
    for page in pages:
        yield from page.partition("<h1>")[2].split("<p>")[1:]


@settings(max_examples=30, deadline=None)
@given(
    st.permutations([*iter_parts((FRONT_PAGE, SHOP, FORUM, GAME_RULES))]), st.booleans(), st.integers(2, 6)
)
def test_front_pages_of_any_teasers_are_no_policies(parts: list[str], titled: bool, count: int) -> None:
    title = "<title>Bluebird</title>" if titled else ""
    html = title + "".join(f"<p>{part}" for part in parts[:count]) + FOOTER
    assert judge(html).page_class != "policy"


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12))
def test_footers_never_make_a_policy_however_often_they_stand(times: int) -> None:
    assert judge(FRONT_PAGE + FOOTER * times).page_class != "policy"


def read(html: str, home: str | None, url: str = ADDRESS) -> Reading:
    stored = home and HomePage(
        body=home.encode(),
        url="https://bluebird.example/",
        timestamp="20040501000000",
        content_type="text/html",
    )
    return read_body(
        html.encode(),
        document=Document(site="bluebird.example", kind=Kind.PRIVACY),
        url=url,
        timestamp="20040601000000",
        content_type="text/html",
        home=stored or None,
    )


LEGAL_FRONT = """<title>Bluebird</title><h1>Privacy at Bluebird</h1><p>Read on Monday what we found in March.</p>
<p>We collect your name and your e-mail address when you order. We use this personal information to send what you
ordered, and share it with nobody. You may ask us to delete your data. We use cookies.</p>
<p>Questions? Our terms apply. We may change this policy, and tell you by e-mail.</p>"""
"""A front page that reads like a policy: nothing but the site's home page can tell."""


def test_a_page_with_the_home_pages_text_is_no_policy() -> None:
    assert read(LEGAL_FRONT, None).outcome is Outcome.TEXT
    reading = read(LEGAL_FRONT.replace("Questions?", "Any questions today?"), LEGAL_FRONT)
    assert reading.outcome is Outcome.NOT_A_POLICY
    assert reading.verdict is not None
    assert "home page" in reading.verdict.reason


@pytest.mark.parametrize("home", [FRONT_PAGE, OLD.partition("<P>")[0], "", "<frameset>"])
def test_another_home_page_under_the_same_title_makes_no_policy_one_less(home: str) -> None:
    assert read(OLD, home).outcome is Outcome.TEXT


def test_an_equal_title_alone_is_no_likeness() -> None:
    front = FRONT_PAGE.replace("<title>Bluebird - garden tools since 1921", "<title>Privacy Statement")
    assert read(OLD, front).outcome is Outcome.TEXT


@given(st.lists(st.sampled_from("spade rake hoe barrow seed soil rain sun".split()), max_size=60))
def test_likeness_is_the_same_both_ways_and_to_itself(words: list[str]) -> None:
    text, other = " ".join(words), " ".join(words[: len(words) // 2])
    assert is_nearly(text, other) == is_nearly(other, text)
    assert is_nearly(text, text) == (len(words) >= 3)


ADDENDUM = """<h1>{name}</h1><p>This addendum forms part of the agreement between the customer and Bluebird. Bluebird
processes personal data on behalf of the customer as a processor, and only on documented instructions.</p>
<p>Bluebird notifies the customer of personal data breaches without undue delay. The customer agrees that Bluebird
engages sub-processors, and remains liable for them. On termination Bluebird deletes all personal data, unless
the law requires that it is stored. The standard contractual clauses apply to transfers to third countries.</p>"""
CONSENT = """<h1>{name}</h1><p>If you use our advertising products, you must obtain the consent of users in the
European Economic Area to the use of cookies and to the collection, sharing and use of personal data for
personalised ads. You must keep records of consent and give users clear instructions for revoking it.</p>
<p>You must identify each party that may collect, receive or use the personal data of end users.</p>"""


@pytest.mark.parametrize(
    ("html", "name"),
    [
        pytest.param(ADDENDUM, "Data Processing Addendum", id="addendum"),
        pytest.param(ADDENDUM, "Data Processing Agreement (DPA)", id="agreement"),
        pytest.param(CONSENT, "EU user consent policy", id="consent"),
    ],
)
def test_addenda_and_consent_policies_are_of_another_kind(html: str, name: str) -> None:
    page = f"<title>{name} - Bluebird</title>{html.format(name=name)}"
    verdict = judge(page, url="https://bluebird.example/legal/text")
    assert (verdict.page_class, verdict.kind) == ("policy", Kind.OTHER), verdict
