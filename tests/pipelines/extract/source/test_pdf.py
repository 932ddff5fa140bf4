"""PDFs written here, line by line, and read back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from policy_archive.crawler.core.errors import ExtractionError
from policy_archive.pipelines.extract.source.pdf import read_pdf

Line = tuple[str, float, float, float]
"""Words, distance from the left, height on the page, size of type (negative: bold)."""
MARGIN, TOP, PITCH, SIZE = 60.0, 700.0, 14.0, 11.0


def build_pdf(pages: Sequence[Sequence[Line]], *, title: str = "") -> bytes:
    """Return a PDF of A4 pages with these lines in Helvetica."""
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for number, lines in enumerate(pages):
        content = "\n".join(_show(line) for line in lines)
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {6 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>",
            f"<< /Length {len(content.encode('cp1252'))} >>\nstream\n{content}\nendstream",
        ]
    objects.append(f"<< /Title ({title}) >>")
    return _assemble(objects)


def _show(line: Line) -> str:
    words, left, height, size = line
    escaped = words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F{2 if size < 0 else 1} {abs(size)} Tf {left} {height} Td ({escaped}) Tj ET"


def _assemble(objects: list[str]) -> bytes:
    body = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n".encode("cp1252")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    return body + (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>\n"
        f"startxref\n{len(body)}\n%%EOF\n"
    ).encode("cp1252")


def column(*lines: str, top: float = TOP, size: float = SIZE) -> list[Line]:
    return [(words, MARGIN, top - PITCH * number, size) for number, words in enumerate(lines)]


PARAGRAPH = (
    "We collect your name and your address when you order from us, and",
    "keep them for as long as the law asks. We do not sell your informa-",
    "tion, nor give it to anybody but the carrier who brings the parcel.",
)
JOINED = (
    "We collect your name and your address when you order from us, and keep them for as long as the law "
    "asks. We do not sell your information, nor give it to anybody but the carrier who brings the parcel."
)


def test_lines_are_joined_and_divided_words_made_whole() -> None:
    assert read_pdf(build_pdf([column(*PARAGRAPH)])).text == f"{JOINED}\n"


def test_a_gap_parts_paragraphs() -> None:
    pages = [column(*PARAGRAPH) + column(*PARAGRAPH, top=TOP - 5 * PITCH)]
    assert read_pdf(build_pdf(pages)).text == f"{JOINED}\n\n{JOINED}\n"


def test_headings_are_told_by_the_size_of_type_and_by_boldness() -> None:
    lines = [
        *column("Privacy policy", top=780, size=20),
        *column("1. What we collect", top=740, size=15),
        *column("In short", top=720, size=-SIZE),
        *column(*PARAGRAPH),
    ]
    read = read_pdf(build_pdf([lines]))
    assert read.text == f"# Privacy policy\n\n## 1. What we collect\n\n### In short\n\n{JOINED}\n"
    assert read.title == "Privacy policy"


def test_the_title_is_that_of_the_properties() -> None:
    assert read_pdf(build_pdf([column(*PARAGRAPH)], title="Our  policy")).title == "Our policy"


def test_running_heads_and_page_numbers_are_dropped() -> None:
    pages = [
        [
            *column("Example Ltd, policy of 2018", top=815, size=8),
            *column(*PARAGRAPH),
            *column(f"Page {number} of 3", top=30, size=8),
        ]
        for number in (1, 2, 3)
    ]
    assert read_pdf(build_pdf(pages)).text == f"{JOINED}\n\n{JOINED}\n\n{JOINED}\n"


def test_a_paragraph_goes_on_over_the_page() -> None:
    pages = [column(*PARAGRAPH[:1]), column(*PARAGRAPH[1:])]
    assert read_pdf(build_pdf(pages)).text == f"{JOINED}\n"


def test_bullets_and_numbers_are_list_items() -> None:
    lines = [
        *column(*PARAGRAPH),
        *column("\u2022 your name, as you would like it to be", "written on the parcel", top=640),
        *column("\u2022 your address", top=640 - 2 * PITCH),
        *column("1. first", "2. second", top=640 - 4 * PITCH),
    ]
    assert read_pdf(build_pdf([lines])).text == (
        f"{JOINED}\n\n  * your name, as you would like it to be written on the parcel\n  * your address\n"
        "  1. first\n  2. second\n"
    )


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        pytest.param(build_pdf([[]]), "no-text-layer", id="no-text"),
        pytest.param(build_pdf([column("12", top=30)]), "no-text-layer", id="page-number-only"),
        pytest.param(build_pdf([column(*PARAGRAPH)])[:-200], "truncated", id="cut"),
        pytest.param(b"%PDF-1.4\n%%EOF", "extraction-failed", id="broken"),
        pytest.param(build_pdf([[]] * 2001), "too-large", id="2001-pages"),
    ],
)
def test_what_cannot_be_read_is_an_outcome(body: bytes, outcome: str) -> None:
    with pytest.raises(ExtractionError) as caught:
        read_pdf(body)
    assert caught.value.outcome == outcome
