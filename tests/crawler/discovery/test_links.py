"""The links of a page that promise policies."""

from __future__ import annotations

from collections.abc import Iterator
from gzip import decompress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_archive.crawler.core.records import Kind, PolicyLink
from policy_archive.crawler.discovery.links import find_policy_links
from policy_archive.pipelines.extract.source.parse import parse_html
from tests.support.linear import growth

URL = "http://www.example.com/"


def links(html: str, url: str = URL) -> tuple[PolicyLink, ...]:
    return find_policy_links(parse_html(html), url=url)


def targets(html: str, kind: Kind = Kind.PRIVACY, url: str = URL) -> list[str]:
    return [link.url for link in links(html, url) if link.kind is kind]


@pytest.mark.parametrize(
    ("label", "kind", "language"),
    [
        ("Privacy Policy", Kind.PRIVACY, "en"),
        ("Your Privacy Rights", Kind.PRIVACY, "en"),
        ("Politique de confidentialité", Kind.PRIVACY, "fr"),
        ("CONDITIONS GENERALES DE VENTE", Kind.TERMS, "fr"),
        ("Datenschutzerklärung", Kind.PRIVACY, "de"),
        ("AGB", Kind.TERMS, "de"),
        ("Política de privacidad", Kind.PRIVACY, "es"),
        ("Informativa sulla privacy", Kind.PRIVACY, "it"),
        ("Termos de uso", Kind.TERMS, "pt"),
        ("Privacybeleid", Kind.PRIVACY, "nl"),
        ("Algemene voorwaarden", Kind.TERMS, "nl"),
        ("Polityka prywatności", Kind.PRIVACY, "pl"),
        ("Regulamin", Kind.TERMS, "pl"),
        ("Integritetspolicy", Kind.PRIVACY, "sv"),
        ("Privatlivspolitik", Kind.PRIVACY, "da"),
        ("Tietosuojaseloste", Kind.PRIVACY, "fi"),
        ("Ochrana osobních údajů", Kind.PRIVACY, "cs"),
        ("GİZLİLİK POLİTİKASI", Kind.PRIVACY, "tr"),
        ("KULLANIM KOŞULLARI", Kind.TERMS, "tr"),
        ("Политика конфиденциальности", Kind.PRIVACY, "ru"),
        ("Пользовательское соглашение", Kind.TERMS, "ru"),
        ("プライバシーポリシー", Kind.PRIVACY, "ja"),
        ("当社の個人情報保護方針", Kind.PRIVACY, "ja"),
        ("利用規約", Kind.TERMS, "ja"),
        ("隐私政策", Kind.PRIVACY, "zh"),
        ("《用户服务协议》", Kind.TERMS, "zh"),
        ("개인정보처리방침", Kind.PRIVACY, "ko"),
        ("이용약관", Kind.TERMS, "ko"),
        ("سياسة الخصوصية", Kind.PRIVACY, "ar"),
        ("מדיניות פרטיות", Kind.PRIVACY, "he"),
        ("Chính sách bảo mật", Kind.PRIVACY, "vi"),
        ("นโยบายความเป็นส่วนตัว", Kind.PRIVACY, "th"),
        ("Cookie-Richtlinie", Kind.COOKIES, "de"),
        ("Mentions légales", Kind.OTHER, "fr"),
    ],
)
def test_labels_of_many_languages_are_understood(label: str, kind: Kind, language: str) -> None:
    found = [link for link in links(f'<a href="/page?id=7">{label}</a>') if link.kind is kind]
    assert [link.url for link in found] == [f"{URL}page?id=7"]
    assert found[0].language == language
    assert found[0].confidence >= 0.75


@pytest.mark.parametrize(
    "html",
    [
        '<a href="/x"><img src="b.gif" alt="Privacy Policy"></a>',
        '<a href="/x"><img src="/img/btn_privacy.gif"></a>',
        '<a href="/x" title="Privacy Policy"><i></i></a>',
        '<a href="/x" aria-label="Read our privacy policy">more</a>',
        '<map name="m"><area href="/x" alt="Privacy"></map>',
        '<link rel="privacy-policy" href="/x">',
        '<a rel="nofollow privacy-policy" href="/x">x</a>',
        '<base href="http://www.example.com/y/"><a href="../x">Privacy</a>',
        '<a href="http://web.archive.org/web/20100101000000/http://www.example.com/x">Privacy</a>',
        '<a href="/web/20100101000000id_/http://www.example.com/x">Privacy</a>',
        "<footer><ul><li><a href=' /x '> Privacy\n Policy</a></ul></footer>",
    ],
)
def test_a_link_is_found_whatever_carries_its_label(html: str) -> None:
    assert targets(html) == [f"{URL}x"]


@pytest.mark.parametrize(
    "html",
    [
        '<a href="javascript:show(1)">Privacy</a>',
        '<a href="mailto:privacy@example.com">Privacy</a>',
        '<a href="#">Privacy</a>',
        '<a href="#privacy">Privacy</a>',
        '<a href="/">Privacy</a>',
        '<a href="https://web.archive.org/privacy">Privacy</a>',
        '<a href="/x">Privacy settings</a>',
        '<a href="/x">Cookie-Einstellungen</a>',
        '<a href="/recipes/1">Oatmeal cookies</a>',
        '<a href="/recipes/cookies">Cookies</a>',
        '<a href="/tag/privacy">Privacy</a>',
        '<a href="/topics/privacy">Privacy</a>',
        '<a href="/list.html?categoryId=9">Privacy</a>',
        '<a href="/products/x1">Data Privacy</a>',
        '<a href="/christmas/cookies/">Cookies</a>',
        '<a href="https://gdpr.example/">GDPR</a>',
        '<a href="https://law.example/a">General Data Protection Regulation</a>',
        '<a href="https://law.example/privacy-act">Privacy Act of 1974</a>',
        '<a href="/avg-free-edition">AVG</a>',
        '<a href="/x">個人情報該当性解釈の根源的懸案が解決に向け前進、保護法制の行方その二十四</a>',
        '<a href="/x">グーグルからあなたの個人情報を守る方法、位置情報からウェブの履歴まで</a>',
        '<a href="/x">นักวิจัยเตือนผู้ใช้โทรศัพท์ว่าข้อมูลส่วนบุคคลหลายล้านรายการรั่วไหลจากบริษัทใหญ่เมื่อวานนี้</a>',
        '<a href="http://privacy@example.com">privacy@example.com</a>',
        '<a href="/contact">privacy@example.com</a>',
        '<a href="https://seal.example/v?id=7"><img src="/img/privacy.gif"></a>',
        '<a href="/x">Accept all cookies</a>',
        '<a href="https://cc.example/by/3.0/">Creative Commons License Agreement</a>',
        '<a href="/x">TRUSTe online privacy certification</a>',
        '<a href="/x">Jobs About us Feedback Privacy Policy Terms and Conditions Site map Press Contact</a>',
        '<a href="/c/oils/anb">Motor oils</a>',
        '<a href="/x">Alle Cookies akzeptieren</a>',
        '<a href="https://tracker.example/policies-of-others">https://tracker.example/privacy-a-b-c-d</a>',
        '<a href="/2019/x">Why the new privacy law that passed in the state matters to you</a>',
        '<a href="http://[broken">Privacy</a>',
        "<a>Privacy</a>",
    ],
)
def test_what_leads_to_no_policy_is_left_out(html: str) -> None:
    assert links(html) == ()


def test_one_link_may_promise_two_policies() -> None:
    found = {(link.kind, link.url) for link in links('<a href="/legal">Privacy &amp; Terms</a>')}
    assert found == {(Kind.PRIVACY, f"{URL}legal"), (Kind.TERMS, f"{URL}legal")}


def test_an_address_speaks_where_the_label_is_silent() -> None:
    assert targets('<a href="/privacy-policy">here</a>') == [f"{URL}privacy-policy"]
    assert targets('<a href="/page7">here</a>') == []


def test_the_part_of_a_page_is_kept() -> None:
    assert targets('<a href="/policies#privacy">Privacy</a>') == [f"{URL}policies#privacy"]
    assert targets('<a href="/privacy#top">Privacy</a>') == [f"{URL}privacy"]


def test_frames_come_as_pages_to_be_read() -> None:
    html = '<html><frameset cols="1,2"><frame src="menu.html"><frame src="privacy.html"></frameset></html>'
    assert targets(html, Kind.HOME) == [f"{URL}menu.html"]
    assert targets(html) == [f"{URL}privacy.html"]


def test_a_refresh_is_a_page_to_be_read() -> None:
    assert targets('<meta http-equiv="Refresh" content="0; URL=home.html">', Kind.HOME) == [f"{URL}home.html"]


def test_scripts_are_read_where_nothing_else_speaks() -> None:
    html = '<script>{"links":[{"href":"\\/privacy-policy"},{"href":"/blog/privacy-tips"}]}</script>'
    assert targets(html) == [f"{URL}privacy-policy"]
    assert links(html)[0].place == "script"
    assert targets(html + '<a href="/p">Privacy</a>') == [f"{URL}p"]


@given(
    st.text(alphabet="<>/ab=\"' hrefsc#:%[]&;é隐", max_size=80), st.sampled_from(["", "a", "http://[", URL])
)
def test_any_page_can_be_read(text: str, url: str) -> None:
    for link in links(f"<a href='{text}'>Privacy</a>{text}", url):
        assert link.url.startswith(("http://", "https://"))
        assert 0.5 <= link.confidence <= 0.99


def _pages(shared: Path) -> Iterator[str]:
    for path in sorted((shared / "kinds" / "dev" / "other-pages").glob("*.html.gz"))[::8]:
        yield decompress(path.read_bytes()).decode("utf-8", "replace")


def test_footers_of_real_pages_are_read(shared: Path) -> None:
    """Pages of trafilatura's tests, mostly of German sites: most link to an imprint or a policy."""
    pages = list(_pages(shared))
    found = [bool(links(page, "https://page.example/article")) for page in pages]
    assert len(pages) == 25
    assert sum(found) >= 15


@pytest.mark.parametrize(
    "html",
    [
        "<a href=\"javascript:openWin('legal/pv.html', 400)\">Privacy Policy</a>",
        "<a href='#' onclick=\"window.open('legal/pv.html','w','width=400')\">Privacy Policy</a>",
        "<select><option value='about.html'>About<option value='legal/pv.html'>Privacy Policy</select>",
    ],
    ids=["javascript", "onclick", "option"],
)
def test_pages_that_scripts_open_and_choices_of_a_menu_are_links(html: str) -> None:
    assert targets(html) == ["http://www.example.com/legal/pv.html"]


def test_a_link_that_a_script_counts_keeps_its_own_address() -> None:
    html = "<a href='/privacy' onclick=\"track('footer/click')\">Privacy</a>"
    assert targets(html) == ["http://www.example.com/privacy"]


def test_a_page_that_only_moves_on_names_the_next_page() -> None:
    html = "<script>if (top != self) top.location.replace('/main.html')</script><p>Wait"
    assert targets(html, Kind.HOME) == ["http://www.example.com/main.html"]
    assert targets("<a href='/privacy'>Privacy</a>" + html, Kind.HOME) == []


@pytest.mark.parametrize("label", ["C.G.V.", "Brugsvilkår", "শর্তাবলী", "Услови за користење", "Skilmálar"])
def test_terms_are_told_by_more_names(label: str) -> None:
    assert targets(f"<a href='/x1'>{label}</a>", Kind.TERMS) == ["http://www.example.com/x1"]


@pytest.mark.parametrize(
    "html",
    [
        '<a href="/2011/11/18/y.html">Privacy Policy</a>',
        '<a href="/de/27539/datenschutz/">Datenschutz</a>',
        '<a href="/search/privacy.html">Privacy</a>',
        '<a href="/topics/privacy-policy">Privacy Policy</a>',
        '<a href="/products/x1">Privacy Policy</a>',
        '<a href="/list.html?categoryId=9">Privacy Statement</a>',
        '<a href="/topic/privacy">Privacy</a> <a href="/topic/terms">Terms of Use</a>',
        '<a href="/legal/us/privacy-policy.html?x=1">On privacy, and how we handle it</a>',
        '<a href="/?fa=home.notice">Privacy and Disclaimer Notices</a>',
        '<a href="/gdpr">GDPR</a>',
        '<a href="/x7">CCPA Notice</a>',
        '<a href="/x7">Informationen nach DSGVO</a>',
        '<a href="/avg">AVG</a>',
        '<a href="http://user@www.example.com/privacy">Privacy</a>',
    ],
)
def test_policies_are_found_where_lists_laws_and_numbers_stand_about(html: str) -> None:
    assert len(targets(html, Kind.PRIVACY)) == 1


def test_a_link_that_was_never_closed_has_its_own_label_alone() -> None:
    html = '<a href="/news">News<div><a href="/p1">Privacy Policy</a></div><div><a href="/t1">Terms</a></div>'
    assert {link.url for link in links(html)} == {f"{URL}p1", f"{URL}t1"}
    picture = '<a href="/news"><img src="n.gif"><div><a href="/p1"><img alt="Privacy Policy"></a></div>'
    assert targets(picture) == [f"{URL}p1"]


@pytest.mark.parametrize(
    "label",
    ["Privacy and cookies policy", "Datenschutz- und Cookie-Richtlinie", "Integritets- och cookiepolicy"],
)
def test_a_policy_on_privacy_and_cookies_is_both(label: str) -> None:
    found = {link.kind for link in links(f'<a href="/x7">{label}</a>')}
    assert {Kind.PRIVACY, Kind.COOKIES} <= found


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("Notificação de Privacidade", Kind.PRIVACY),
        ("Termo de uso e privacidade", Kind.TERMS),
        ("Podmienky poskytovania služieb", Kind.TERMS),
        ("polityką cookie", Kind.COOKIES),
        ("публичной оферты", Kind.TERMS),
        ("политикой конфиденциальности", Kind.PRIVACY),
        ("Terms of Usage", Kind.TERMS),
        ("用户注册服务协议", Kind.TERMS),
        ("Vafrakökustefna", Kind.COOKIES),
        ("Қызмет көрсету шарттары", Kind.TERMS),
        ("მომსახურების პირობები", Kind.TERMS),
        ("Политика за колачиња", Kind.COOKIES),
        ("Kushtet e shërbimit", Kind.TERMS),
        ("Pribatutasun-politika", Kind.PRIVACY),
        ("株式会社ほげのプライバシーポリシーについて", Kind.PRIVACY),
        ("Hysbysiad preifatrwydd", Kind.PRIVACY),
        ("Téarmaí agus Coinníollacha", Kind.TERMS),
        ("Օգտագործման պայմաններ", Kind.TERMS),
        ("Patakaran sa Privacy", Kind.PRIVACY),
        ("Sera ya Faragha", Kind.PRIVACY),
        ("Нууцлалын бодлого", Kind.PRIVACY),
        ("គោលការណ៍ឯកជនភាព", Kind.PRIVACY),
        ("ນະໂຍບາຍຄວາມເປັນສ່ວນຕົວ", Kind.PRIVACY),
        ("Politika ta' privatezza", Kind.PRIVACY),
        ("Политика в области персональных данных", Kind.PRIVACY),
        ("Fianáin", Kind.COOKIES),
        ("Tu privacidad", Kind.PRIVACY),
        ("T's & C's", Kind.TERMS),
    ],
)
def test_inflected_and_further_names_are_understood(label: str, kind: Kind) -> None:
    assert targets(f"<a href='/x1'>{label}</a>", kind) == ["http://www.example.com/x1"]


def test_the_label_of_a_part_goes_before_the_address_of_its_page() -> None:
    found = links('<a href="/terms-of-use#privacy">Privacy Policy</a>')
    assert {link.kind for link in found} == {Kind.PRIVACY}


def test_a_short_name_of_the_site_narrows_no_policy_down() -> None:
    assert targets('<a href="/service/agb-mz-4711">AGB mz</a>', Kind.TERMS, url="http://www.mz-web.example/")


@pytest.mark.parametrize(
    "label", ["Privacidad y condiciones del servicio", "Termos de uso e privacidade", "用户协议与隐私政策"]
)
def test_two_names_in_one_label_are_two_policies(label: str) -> None:
    assert {link.kind for link in links(f'<a href="/x7">{label}</a>')} == {Kind.PRIVACY, Kind.TERMS}


@pytest.mark.parametrize(
    "label",
    ["隐私保护条款", "個人情報保護規約", "Podmienky ochrany osobných údajov", "Termos de privacidade"],
)
def test_conditions_of_privacy_are_no_terms(label: str) -> None:
    assert {link.kind for link in links(f'<a href="/x7">{label}</a>')} == {Kind.PRIVACY}


def test_a_tag_that_is_no_name_costs_no_link() -> None:
    """Found by fuzzing: a tag that lost its ">" inside a link that was never closed."""
    inside = "<a href='/b'>Terms of use <if\xb5\u3172j'>x <div<b>y</a>"
    page = f"<a href='/a'>Privacy {inside} <a href='/legal/c'>AGB</a>"
    assert {link.url.rpartition("/")[2] for link in links(page)} >= {"b", "c"}


@pytest.mark.parametrize(
    "html",
    [
        '<frameset><frame src="a"><noframes><body>None. <a href="x">Privacy</a></noframes></frameset>',
        """<script>document.write('<a href="/x" class="f">Privacy Policy</a>');</script>""",
        r"""<script>document.write("<a href=\"/x\">" + "Privacy</a>");</script>""",
        """<script>m3=new Array("Privacy Statement","/x","",0,20);m=new Array("News","n.html")</script>""",
        r'<script>{"footer":[{"label":"Pricing","href":"/p"},{"label":"Privacy","href":"\/x"}]}</script>',
        r"""<script>push("{\"href\":\"/x\",\"children\":\"Privacy Policy\"}")</script>""",
        r"""<script>so=[{title:"Privacy statement",url:"\u002Fx"}]</script>""",
        '<span class="link" data-href="/x">Privacy Policy</span>',
        """<button onclick="location.href='/x'">Privacy Policy</button>""",
        """<input type="button" value="Privacy Policy" onclick="window.open('/x')">""",
        '<form action="/x"><input type="hidden" name="a"><input type="submit" value="Privacy Policy"></form>',
        '<a href="/x">P R I V A C Y &nbsp; P O L I C Y</a>',
        '<map name="m"><area href="/x" title="Our Privacy Policy"></map>',
    ],
)
def test_links_are_read_out_of_raw_markup_scripts_and_buttons(html: str) -> None:
    assert targets(html) == [f"{URL}x"]


@pytest.mark.parametrize(
    "html",
    [
        '<a href="/news/technology/x">Facebook changes its privacy policy</a>',
        '<a href="/nachrichten/datenschutz">Datenschutz</a> <a href="/a">AGB</a>',
        '<a href="/2015/06/terms-of-service">Terms of Service of Google</a>',
        '<a href="/2009/02/18/facebook-terms-of-use/">Facebook Terms of Use</a>',
        '<a href="/mat/cookies">Amerikanske cookies</a>',
        '<a href="/showthread.php?t=1">Terms of service of other boards</a>',
        '<a href="/x">What is a privacy policy?</a>',
        '<a href="/privacy-week">Data Privacy Week</a>',
        '<a href="/requests">Make a data protection request</a>',
        '<a href="/templates/a">Privacy policy template</a>',
        '<a href="/cookies">Cookies</a> <a href="/brownies">Brownies</a>',
        '<a href="/x">个人信息流出，125万件</a>',
        '<a href="/x">云服务器</a>',
        '<a href="/x">网络协议</a>',
        '<a href="/x">离婚协议范本</a>',
        '<a href="/x">如何保护个人隐私</a>',
        '<a href="/x">プライバシーに配慮した新型ATM</a>',
        '<a href="https://law.example/privacy">https://law.example/privacy</a>',
        """<button onclick="toggle('privacy.menu')">Privacy</button>""",
        '<a href="/terms.htm#Beer">beer</a>',
        '<a href="https://census.example/terms.html">United States Census Bureau</a>',
        '<a href="https://vortex.example/privacy.html">PRIVACY Forum</a>',
        '<a href="/explore/cookies">3,000 cookies in one weekend, see how one family does it</a>',
        '<a href="/practice/privacy">Privacy &amp; Data Security</a> <a href="/a">Privacy</a>',
        '<a href="/practice/terms-of-use-drafting">Terms of Use drafting</a>',
        '<a href="/cookies.html">Cookies &amp; Crackers</a>',
        '<a href="/x">利用規約の作り方講座</a>',
        '<a href="/promo">โปรโมชั่นคุกกี้เนยสด</a>',
        '<form action="/search"><input name="q"><input type="submit" value="Privacy"></form>',
    ],
)
def test_headlines_subjects_and_other_words_are_no_policies(html: str) -> None:
    assert not [link for link in links(html) if link.url != f"{URL}a"]


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://group.example/datenschutz/">hier</a>',
        '<a href="/it/privacy">Informativa privacy ai sensi del D.Lgs. 196/03</a>',
        '<a href="https://group.example/privacy">Acme Privacy Policy</a>',
    ],
)
def test_a_policy_may_be_elsewhere_or_have_a_long_label(html: str) -> None:
    assert len(targets(html)) == 1


def test_a_whole_name_is_a_policy_in_an_article_s_folder() -> None:
    assert targets('<a href="/news/2011/11/18/y.html">Privacy Policy</a>') == [f"{URL}news/2011/11/18/y.html"]


def test_a_directory_that_names_its_policy_below_has_a_subject_above() -> None:
    html = '<a href="/issues/privacy/">Privacy</a> <a href="/p">Privacy Policy</a> <a href="/t">Terms</a>'
    assert targets(html) == [f"{URL}p"]


@pytest.mark.parametrize("piece", ["\\\\", "\\\\u", "\\\\'", "'+", "[{", "<a "])
def test_a_script_of_signs_is_read_in_time_in_proportion_to_its_length(piece: str) -> None:
    assert growth(lambda times: links(f"<script>{piece * times}+\\u</script>"), largest=64_000) < 3
