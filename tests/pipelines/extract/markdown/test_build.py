from __future__ import annotations

import pytest

from policy_archive.pipelines.extract.page import transform_page
from policy_archive.pipelines.extract.source.parse import parse_html


def markdown(html: str) -> str:
    return transform_page(parse_html(f"<body>{html}</body>"), url="https://x.org/privacy").text


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<ol start=4><li>four<li>five</ol>", "  4. four\n  5. five\n"),
        ("<ol><li>one<li value=7>seven<li>eight</ol>", "  1. one\n  7) seven\n  8) eight\n"),
        ("<ol type=a><li>one<ol type=i><li>two</ol></ol>", "  1. one\n     1. two\n"),
        ("<ol reversed><li>b<li>a</ol>", "  2. b\n  1) a\n"),
        ("<ul><li>a<ul><li>b<ul><li>c</ul></ul></ul>", "  * a\n    * b\n      * c\n"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "  * a\n    * b\n"),
        ("<ul><div><li>a</li></div><li>b</li></ul>", "  * a\n  * b\n"),
        ("<li>a</li><li>b</li>", "  * a\n  * b\n"),
        ("<ol>(a) bare text in a list</ol>", "(a) bare text in a list\n"),
        ("<ul><li><p>a</p><p>b</p></li><li>c</li></ul>", "  * a\n\n    b\n\n  * c\n"),
        ("<ul><li>a</ul><ul><li>b</ul>", "  * a\n\n\n\n  - b\n"),
        ("<ul><li>a</ul><p>after</p>", "  * a\n\n\n\nafter\n"),
    ],
)  # fmt: skip
def test_lists_keep_items_numbers_and_depth(html: str, expected: str) -> None:
    assert markdown(html) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>a <b>b</b> <i>i</i> <u>u</u> <del>no</del> <code>x</code></p>", "a **b** _i_ _u_ ~~no~~ `x`\n"),
        ("<p>(“<b>Policy</b>”)</p>", "(“ **Policy** ”)\n"),
        ("<p><b>Note: </b>text</p>", "**Note:** text\n"),
        ("<p><b>Note:</b>text</p>", "**Note:** text\n"),
        ("<p>un<b>believ</b>able, un<i>true</i>ly</p>", "un**believ**able, un*true*ly\n"),
        ("<p><b>a</b><b>b</b> <b>c</b></p>", "**ab** **c**\n"),
        ("<p><b> </b>x<b></b></p>", "x\n"),
        ("<p><b>see <a href=/a>here</a> now</b></p>", "**see [here](https://x.org/a) now**\n"),
        ("<p><a href=https://x.org>https://x.org</a></p>", "<https://x.org>\n"),
        ('<p><a href=/a title="T">a</a><a href=/b><img src=x></a></p>', '[a](https://x.org/a "T")\n'),
        ("<p>one<br>two<br><br>three</p>", "one  \ntwo\n\nthree\n"),
        ("<p>1. What<br>- dash<br># no<br>-5</p>", "1\\. What  \n\\- dash  \n\\# no  \n-5\n"),
        ("<p>&lt;iframe&gt; &amp;nbsp; a &lt; b</p>", "\\<iframe> \\&nbsp; a < b\n"),
        ("<p>a&nbsp;b \n c</p>", "a\xa0b c\n"),
        ("<p>fields marked *</p>", "fields marked *\n"),
        ("<p>say <q>yes</q></p>", 'say "yes"\n'),
        ("<hr>", ""),
        ("<p>a</p><hr><p>b</p>", "a\n\n* * *\n\nb\n"),
        ("<h2>1. <a href=#x></a>Title #</h2>", "## 1. Title \\#\n"),
        ("<h2><div>In a box</div></h2>", "## In a box\n"),
        ("<blockquote><p>a</p><ul><li>b</ul></blockquote>", "> a\n>\n>   * b\n> \n"),
        ("<pre>  a\n\n    b</pre>", "      a\n\n        b\n"),
        ("<dl><dt>Term<dd>Meaning<dt>Two<dd><p>a<p>b</dl>", "Term  \n    Meaning\n\nTwo\n\na\n\nb\n"),
        ("<center><font size=2>old <b>page</b></font></center>", "old **page**\n"),
        ("<div>bare text<div>in divs</div>and after</div>", "bare text\n\nin divs\n\nand after\n"),
    ],
)  # fmt: skip
def test_blocks_and_marks_are_written_as_the_format_says(html: str, expected: str) -> None:
    assert markdown(html) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<table><tr><th>a<th>b<tr><td>1<td>2</table>", "a| b\n---|---\n1| 2\n"),
        ("<table><tr><td>a<td>b<tr><td>1<td>2</table>", "a| b\n---|---\n1| 2\n"),
        ("<table><tr><th><th>b<tr><td>1. x<td></table>", "| | b\n---|---\n1\\. x| |\n"),
        ("<table><tr><th colspan=2>a<tr><td>1<td>2|3</table>", "a| |\n---|---\n1| 2\\|3\n"),
        ("<table><tr><td rowspan=2>a<td>b<tr><td>c</table>", "a| b\n---|---\n| | c\n"),
        ("<table><tr><th>a<th>b<tr><td><ul><li>x<li>y</ul><td>2<br>3</table>", "a| b\n---|---\nx y| 2 3\n"),
        ("<table><tr><td><p>one</p><p>two</p></table>", "one\n\ntwo\n"),
        ("<table><tr><td><p>one</p><td><p>two</p></table>", "one\n\ntwo\n"),
        ("<table><tr><td>one<tr><td>two</table>", "one\n\ntwo\n"),
        ("<table><tr><td><table><tr><th>a<th>b<tr><td>1<td>2</table></table>", "a| b\n---|---\n1| 2\n"),
    ],
)  # fmt: skip
def test_data_tables_are_rows_and_layout_tables_are_blocks(html: str, expected: str) -> None:
    assert markdown(html) == expected


def test_an_accordion_keeps_its_titles_and_other_buttons_go() -> None:
    prose = "We collect what you give us when you register, order or write to us."
    html = (
        "<button>Print this page</button><h1>Privacy</h1><button aria-expanded=false>What we collect</button>"
        f"<div style='display:none'><p>{prose}</p></div>"
        f"<button>Who sees it</button><div hidden><p>Only {prose}</p></div>"
    )
    page = transform_page(parse_html(html), url="")

    assert page.text == f"# Privacy\n\nWhat we collect\n\n{prose}\n\nWho sees it\n\nOnly {prose}\n"
    assert page.hidden_text_used
