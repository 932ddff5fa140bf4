"""A mail: plain text, and HTML beside it.

Limits: 998 characters a line, 78 wished (RFC 5322 2.1.1), of which quoted-printable makes 76 (RFC 2045 6.7);
a header holds no line end (RFC 5322 2.2), so that nothing of a page becomes a header of its own.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from policy_archive.crawler.core.stored import content_id
from policy_archive.crawler.core.timestamps import utc_now
from policy_archive.pipelines.notify.formats.body import fit, list_versions
from policy_archive.pipelines.notify.formats.plain import iter_lines
from policy_archive.pipelines.notify.notice import Notice

LONGEST_SUBJECT = 150
"""Characters: what a list of mails shows is shorter, and RFC 5322 folds at 78."""


def render_mail(notice: Notice, *, sender: str, recipient: str) -> EmailMessage:
    """Return a notice as a mail; a second delivery has the same Message-ID, by which mailboxes fold it."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = fit(f"{notice.title} {_what(notice)}", LONGEST_SUBJECT)
    message["Date"] = format_datetime(utc_now())
    domain = sender.rpartition("@")[2].rstrip("> ") or "localhost"
    message["Message-ID"] = f"<{notice.id}.{content_id('mail', recipient)[:8]}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    text = "\n\n".join(iter_lines(notice)) + "\n"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(build_html(notice), subtype="html", cte="quoted-printable")
    return message


def _what(notice: Notice) -> str:
    first = len(notice.versions) == 1 and notice.newest["changed_after"] is None
    return "is new" if first else "changed"


def build_html(notice: Notice) -> str:
    """Return a notice as HTML; every text of others is escaped, and nothing is loaded from anywhere."""
    parts = [f"<h2>{escape(notice.title)}</h2>", f"<p>{escape(notice.sentence)}</p>"]
    quotation = notice.quotation
    parts += [f"<p>{escape(notice.place)}</p>"] if notice.place else []
    if quotation and quotation.removed:
        parts.append(f"<blockquote><del>{escape(quotation.removed)}</del></blockquote>")
    if quotation and quotation.added:
        parts.append(f"<blockquote><ins>{escape(quotation.added)}</ins></blockquote>")
    parts += [f"<p><small>{escape(remark)}</small></p>" for remark in notice.remarks]
    if lines := list_versions(notice.version_lines):
        parts.append(f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>")
    links = " · ".join(f'<a href="{escape(link.url)}">{escape(link.label)}</a>' for link in notice.links)
    parts += [f"<p>{links}</p>"] if links else []
    body = "\n".join(parts)
    head = '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"></head>'
    return f"{head}<body>\n{body}\n</body></html>\n"
