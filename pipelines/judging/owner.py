"""Whose policy a text is: the site's own, its parent's, a registrar's, a platform's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from urllib.parse import urlsplit

from policy_archive.crawler.core.cache import remembered
from policy_archive.crawler.core.records import Extraction, Owner, PolicyLink
from policy_archive.crawler.core.urls import registrable_domain
from policy_archive.crawler.core.vocabularies import OwnerRelation
from policy_archive.data import read_words
from policy_archive.pipelines.judging.features import prose_of
from policy_archive.pipelines.judging.lexicon import lexical_length, load_lexicon
from policy_archive.pipelines.text import blank_common_signs, cut_targets

_MAIL_MARK = re.compile(r"@|\[at\]|\(at\)", re.IGNORECASE)
_MAIL_HOST = re.compile(r"\s?((?:[\w-]+\.)+[a-z]{2,})", re.IGNORECASE)
_IN_MAIL_NAME = "_.+-"
"""What may stand before the mark, beside letters and digits."""
_ADDRESS = re.compile(r"(?:https?://|www\.)([\w.-]{1,253}\.[a-z]{2,})", re.IGNORECASE)
_BEGINNING = 600
"""Characters in which a policy says whose it is."""
_OFTEN = 3
"""Mentions from which a registrar is the subject of a text that does not name the site ..."""
_WORDS_A_MENTION = 40
"""... if the text speaks of domains, or else one in so many words: a site may name its hosting company."""
_REGISTRARS_WORDS = 3
"""Words about registering or parking domains from which a company that is in no list is a registrar."""
_REACH = 40
"""Characters around a host's name in which it is said that it hosts or made the policy."""
_SHORTEST_NAME = 3
_SHORTEST_LOOSE_NAME = 5
"""Shorter names are looked for as words only: `one` stands in every text."""
_SHORTEST_REST = 4
_WORDS_OF_PAGES = tuple(
    "privacy datenschutz policy policies legal terms cookie cookies trust center centre portal online".split()
)
"""What companies put behind their name when they give their policies a domain."""
_WORDINGS = "owner-wordings"
_MAIL_HOSTS = frozenset(
    [
        "gmail.com",
        "hotmail.com",
        "outlook.com",
        "yahoo.com",
        "aol.com",
        "gmx.de",
        "web.de",
        "qq.com",
        "163.com",
    ]
)


@dataclass(frozen=True, kw_only=True)
class KnownOwner:
    """A company whose pages stand in the place of others' policies."""

    relation: OwnerRelation
    name: str
    domains: frozenset[str]
    names: tuple[str, ...]

    def is_named_in(self, folded: str) -> bool:
        """Return whether a casefolded text holds a name or domain: a hundred patterns cost 0.1 s a page."""
        return any(word in folded for word in self._folded)

    @cached_property
    def _folded(self) -> tuple[str, ...]:
        return tuple(word.casefold() for word in (*self.names, *self.domains))

    @cached_property
    def mention(self) -> re.Pattern[str]:
        # with its capitals: `Medium` is a company, `medium` is not
        return re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in self.names))

    @cached_property
    def speaks(self) -> re.Pattern[str]:
        """Wordings by which a text says that this owner is the one who speaks."""
        name = f"(?:{'|'.join(map(re.escape, self.names))})"
        company = r"(?:,? (?:Inc|LLC|Ltd|Corp|GmbH|S\.?A|AG|Limited)\b\.?)?"
        return re.compile(
            rf"(?:^|[.!?:\n]\s*)at {name}(?!\w)"
            rf"|this is {name}['’]s|welcome to {name}(?!\w)|thank you for (?:using|visiting) {name}(?!\w)"
            rf"|{name}{company},?\s*\([^)]{{0,60}}[\"“'‘](?:we|us|our|wir|uns|nous|nosotros|noi)\b"
            rf"|{name}{company},? (?:respects|is committed to|values|takes) (?:your|the) privacy",
            re.IGNORECASE,
        )


@dataclass(frozen=True, kw_only=True)
class _Evidence:
    """What a page shows of who speaks."""

    title: str
    text: str
    site: str
    host: str
    """Registrable domain that the page stood on."""
    links: Sequence[PolicyLink]

    @cached_property
    def mail_domains(self) -> Counter[str]:
        found = Counter(registrable_domain(host.lower()) for host in find_mail_hosts(self.text))
        return Counter({domain: count for domain, count in found.items() if domain not in _MAIL_HOSTS})

    @cached_property
    def named_domains(self) -> Counter[str]:
        return Counter(registrable_domain(host.lower().rstrip(".")) for host in _ADDRESS.findall(self.text))

    @cached_property
    def link_domains(self) -> Counter[str]:
        hosts = (_host_of(link.url) for link in self.links)
        return Counter(registrable_domain(host) for host in hosts if host)

    @cached_property
    def prose(self) -> str:
        """The text as a reader sees it, link targets left out."""
        return cut_targets(self.text, keep_mail=True)

    @cached_property
    def words(self) -> float:
        return lexical_length(self.prose)

    @cached_property
    def registrars_words(self) -> int:
        """How often the text speaks of registering or parking domains."""
        return load_lexicon(_WORDINGS).count(prose_of(self.text))["registrar"]

    @cached_property
    def names_domain_alone(self) -> bool:
        """True where the site is named as a domain and nothing more: so a registrar speaks of what is parked.

        Who speaks for a site has a name, or an e-mail address there.
        """
        if self.mail_domains[self.site]:
            return False
        domain = re.compile(rf"(?:https?://)?(?:www\.)?{re.escape(self.site)}", re.IGNORECASE)
        name = self.site.split(".")[0]
        rest: list[str] = []
        for line in f"{self.title}\n{self.prose}".split("\n"):
            rest.append(domain.sub(" ", line))
            if _stands_as_word(name, rest[-1]):
                return len(name) < _SHORTEST_NAME  # mostly in the first lines
        return not _stands_loosely(name, "\n".join(rest))

    @cached_property
    def names_site_in_part(self) -> str:
        """How the text names what a name like `acmeprivacycenter.com` holds beside words of pages, or ''."""
        name = self.site.split(".")[0].replace("-", "")
        rest = name
        while shorter := next((rest.removesuffix(w) for w in _WORDS_OF_PAGES if rest.endswith(w)), ""):
            rest = shorter
        if (
            rest == name
            or len(rest) < _SHORTEST_REST
            or not _stands_as_word(rest, f"{self.title}\n{self.prose}")
        ):
            return ""
        return f"names {rest}"

    @cached_property
    def names_site(self) -> str:
        """How the text names the site, or '' if it does not.

        On the site's own host every link without a host leads there: a target names nobody.
        """
        if self.mail_domains[self.site]:
            return f"gives an e-mail address at {self.site}"
        words = f"{self.title}\n{self.prose if self.host == self.site else self.text}"
        domain = rf"(?<![\w-]){re.escape(self.site)}(?![\w-])"
        if may_stand_in(self.site, words) and re.search(domain, words, re.IGNORECASE):
            return f"names {self.site}"
        name = self.site.split(".")[0]
        if _stands_in(name, words):
            return f"names {name}"
        return ""


def find_mail_hosts(text: str) -> Iterator[str]:
    """Yield the hosts of the e-mail addresses in a text, in order, sought where their marks are.

    A pattern of whole addresses begins at every word. `me [at] example.com` is an address, too.
    """
    position = 0
    for mark in _MAIL_MARK.finditer(text):
        host = _MAIL_HOST.match(text, mark.end())
        end = mark.start() - text[max(0, mark.start() - 1) : mark.start()].isspace()
        start = end
        while start and (text[start - 1].isalnum() or text[start - 1] in _IN_MAIL_NAME):
            start -= 1
        if host is not None and position <= start < end:
            yield host[1]
            position = host.end()


def judge_owner(extraction: Extraction, *, site: str, url: str, links: Sequence[PolicyLink] = ()) -> Owner:
    """Return whose policy a text on `url`, found for `site`, is.

    `links` are the page's own policy links: a text whose policies stand at another's is that other's.
    Relations `registrar` and `platform` mean a text about somebody else; `policy-service` and `parent`
    a text that speaks for the site from another host.
    """
    return _judge(extraction.text, extraction.title, site, url, tuple(links))


@remembered(64)
def _judge(text: str, title: str, site: str, url: str, links: tuple[PolicyLink, ...]) -> Owner:
    full_host = _host_of(url) or site
    host = registrable_domain(full_host)
    evidence = _Evidence(title=title, text=text, site=site, host=host, links=links)
    known = _known_by_domain().get(full_host) or _known_by_domain().get(host)
    if known is not None and site not in known.domains and host != site:
        return _judge_known_host(known, evidence)
    speaker = _find_speaker(evidence)
    if speaker is not None:
        return Owner(
            relation=speaker[0].relation,
            name=speaker[0].name,
            reason=f"{speaker[1]}; {_how_little_named(evidence)}",
        )
    registrar = _find_unlisted_registrar(evidence)
    if registrar is not None:
        return registrar
    return _judge_own_host(evidence) if host == site else _judge_other_host(evidence)


def _judge_known_host(known: KnownOwner, evidence: _Evidence) -> Owner:
    """Judge a page on the host of a known company."""
    stands = f"stands on {evidence.host}"
    if known.relation is not OwnerRelation.POLICY_SERVICE:
        if evidence.names_site and (
            not _says_who_speaks(known, evidence) or _is_product(evidence.site, known, evidence)
        ):
            return Owner(
                relation=OwnerRelation.PARENT, name=known.name, reason=f"{stands} and {evidence.names_site}"
            )
        return Owner(relation=known.relation, name=known.name, reason=stands)
    about_itself = not evidence.names_site and _says_who_speaks(known, evidence)
    if about_itself:
        return Owner(
            relation=OwnerRelation.PLATFORM,
            name=known.name,
            reason=f"{stands}: the service's own, {about_itself}",
        )
    return Owner(relation=OwnerRelation.POLICY_SERVICE, name=known.name, reason=stands)


def _is_product(site: str, known: KnownOwner, evidence: _Evidence) -> bool:
    """Return whether a platform's text names a site as a thing of its own (Google's YouTube), not as a word.

    A page that the platform hosts for somebody (`video.blogspot.com`) is none.
    """
    if any(site.endswith(f".{domain}") for domain in known.domains):
        return False
    name = site.split(".")[0]
    capital, rest = re.escape(name[0].upper()), re.escape(name[1:])
    return bool(re.search(rf"(?<!\w)(?<![.!?] ){capital}(?i:{rest})(?!\w)", evidence.prose))


def _judge_own_host(evidence: _Evidence) -> Owner:
    if evidence.names_site:
        return Owner(
            relation=OwnerRelation.SITE,
            name=evidence.site,
            reason=f"stands on its host and {evidence.names_site}",
        )
    if evidence.names_site_in_part:
        reason = f"stands on its host and {evidence.names_site_in_part}"
        return Owner(relation=OwnerRelation.SITE, name=evidence.site, reason=reason)
    others = evidence.mail_domains - Counter({evidence.site: 1})
    if others:
        domain, count = others.most_common(1)[0]
        reason = f"stands on its host, names not {evidence.site} but {count} × an e-mail address at {domain}"
        return Owner(relation=OwnerRelation.PARENT, name=domain, reason=reason)
    return Owner(
        relation=OwnerRelation.SITE, name=evidence.site, reason="stands on its host and names nobody else"
    )


def _judge_other_host(evidence: _Evidence) -> Owner:
    how = _shows_service(evidence)
    if evidence.names_site and how:
        reason = f"stands on {evidence.host}, {evidence.names_site} and says: {how}"
        return Owner(relation=OwnerRelation.POLICY_SERVICE, name=evidence.host, reason=reason)
    if evidence.names_site:
        reason = f"stands on {evidence.host} and {evidence.names_site}"
        return Owner(relation=OwnerRelation.PARENT, name=evidence.host, reason=reason)
    if same_name(evidence.site, evidence.host):
        reason = f"stands on {evidence.host}, the same name under another suffix"
        return Owner(relation=OwnerRelation.SITE, name=evidence.host, reason=reason)
    reason = f"stands on {evidence.host} and does not name {evidence.site}"
    return Owner(relation=OwnerRelation.UNKNOWN, name=evidence.host, reason=reason)


def _find_speaker(evidence: _Evidence) -> tuple[KnownOwner, str] | None:
    """Return the known company that speaks in a text, and how it shows.

    None where the text names the site; as a domain alone it may stand in its registrar's policy.
    """
    if evidence.names_site and not evidence.names_domain_alone:
        return None
    folded = f"{evidence.title}\n{evidence.text}".casefold()
    for known in filter(lambda owner: owner.is_named_in(folded), _known_owners()):
        if known.relation is OwnerRelation.POLICY_SERVICE or evidence.site in known.domains:
            continue
        if evidence.names_site and known.relation is not OwnerRelation.REGISTRAR:
            continue
        how = _says_who_speaks(known, evidence)
        if how:
            return known, how
    return None


def _says_who_speaks(known: KnownOwner, evidence: _Evidence) -> str:
    """Return how a text shows that this company speaks in it, or ''."""
    if known.mention.search(evidence.title):
        return f"its title names {known.name}"
    mailed = sum(evidence.mail_domains[domain] for domain in known.domains)
    if mailed and mailed == evidence.mail_domains.total():
        return f"all its e-mail addresses are {known.name}'s"
    if known.speaks.search(evidence.text):
        return f"{known.name} speaks in it"
    begins = known.mention.search(evidence.text[:_BEGINNING])
    if begins and evidence.link_domains and set(evidence.link_domains) <= known.domains:
        return f"all its policy links lead to {known.name}"
    if known.relation is OwnerRelation.REGISTRAR:
        return _shows_registrar(known, evidence)
    return ""


def _shows_registrar(known: KnownOwner, evidence: _Evidence) -> str:
    """Return how a text shows this registrar; a site that names its hosting company is not parked there."""
    mentions = len(known.mention.findall(evidence.text))
    mentions += sum(evidence.named_domains[domain] for domain in known.domains)
    speaks_of_domains = evidence.registrars_words > 0
    if mentions >= _OFTEN and (speaks_of_domains or mentions * _WORDS_A_MENTION >= evidence.words):
        return f"names {known.name} {mentions} times"
    if mentions and speaks_of_domains and known.mention.search(evidence.text[:_BEGINNING]):
        return f"names {known.name} {mentions} times"
    return ""


def _find_unlisted_registrar(evidence: _Evidence) -> Owner | None:
    """Return the registrar that speaks in a text: of domains, with addresses of its own, not of the site."""
    others = evidence.mail_domains
    if (evidence.names_site and not evidence.names_domain_alone) or not others:
        return None
    words = evidence.registrars_words
    if words < _REGISTRARS_WORDS:
        return None
    name, _ = others.most_common(1)[0]
    reason = f"speaks {words} times of registering or parking domains, for {name}"
    return Owner(
        relation=OwnerRelation.REGISTRAR, name=name, reason=f"{reason}; {_how_little_named(evidence)}"
    )


def _how_little_named(evidence: _Evidence) -> str:
    how = "names but the domain" if evidence.names_site else "does not name"
    return f"the text {how} {evidence.site}"


def _shows_service(evidence: _Evidence) -> str:
    """Return the words by which a text says that its host only hosts or made it, or ''."""
    name = re.escape(evidence.host.split(".")[0])
    for mention in re.finditer(rf"(?<!\w){name}(?!\w)", evidence.prose, re.IGNORECASE):
        begin = max(0, mention.start() - _REACH)
        words = evidence.prose[begin : mention.end() + _REACH]
        if load_lexicon(_WORDINGS).count(words)["service"]:
            return f"… {' '.join(words.split())} …"
    return ""


def _host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower().rstrip(".")
    except ValueError:
        return ""


def same_name(one: str, other: str) -> bool:
    """Return whether two sites differ by their public suffix alone (`example.de`, `example.com`)."""
    return one.split(".")[0] == other.split(".")[0]


def _stands_in(name: str, words: str) -> bool:
    """Return whether a domain's name stands in a text: as a word or, if long, also written apart."""
    if may_stand_in(name, words) and _stands_as_word(name, words):
        return len(name) >= _SHORTEST_NAME
    return _stands_loosely(name, words)


def _stands_loosely(name: str, words: str) -> bool:
    """Return whether a long name stands in a text among other letters, or in pieces."""
    bare = re.sub(r"\W", "", name.lower())
    return len(bare) >= _SHORTEST_LOOSE_NAME and bare in re.sub(r"[\W_]+", "", words.lower())


def _stands_as_word(name: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words, re.IGNORECASE) is not None


def may_stand_in(name: str, words: str) -> bool:
    """Return whether a search without regard to case may find a name: in a tenth of its time."""
    return not name.isascii() or name.lower() in _lower(words)


@remembered(4)
def _lower(words: str) -> str:
    """Return a text in small letters, as a pattern without regard to case sees those of ASCII."""
    if not words.isascii():
        words = blank_common_signs(words).replace("\u0130", "i").replace("\u0131", "i")
    return words.lower() if words.isascii() else words.casefold()


@cache
def _known_owners() -> tuple[KnownOwner, ...]:
    return tuple(_iter_known_owners())


def _iter_known_owners() -> Iterator[KnownOwner]:
    for relation, owners in read_words("owners").items():
        for name, known in owners.items():
            yield KnownOwner(
                relation=OwnerRelation(relation),
                name=name,
                domains=frozenset(known["domains"]),
                names=(name, *known.get("names", ())),
            )


@cache
def _known_by_domain() -> dict[str, KnownOwner]:
    return {domain: known for known in _known_owners() for domain in known.domains}
