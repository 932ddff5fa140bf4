from __future__ import annotations

import pytest

from policy_archive.pipelines.extract.source.frames import find_main_frame
from policy_archive.pipelines.extract.source.parse import parse_html


@pytest.mark.parametrize(
    ("page", "address"),
    [
        ('<frameset cols="20%,80%"><frame src=nav.htm><frame src=b.htm></frameset>', "http://x.org/a/b.htm"),
        ('<frameset cols="*,160"><frame src=b.htm><frame src=nav.htm></frameset>', "http://x.org/a/b.htm"),
        (
            '<frameset cols="50%,50%"><frame name=main src=b.htm><frame src=c.htm></frameset>',
            "http://x.org/a/b.htm",
        ),
        (
            '<frameset rows="90,*,30"><frame src=top.htm><frameset cols="1*,4*"><frame src=nav.htm>'
            "<frame src=/b.htm></frameset><frame src=foot.htm></frameset>",
            "http://x.org/b.htm",
        ),
        (
            '<frameset rows="*"><frame src="/web/20000511120000fr_/http://x.org/b.htm"></frameset>',
            "http://x.org/b.htm",
        ),
        ('<frameset cols="nonsense,,%"><frame><frame src=b.htm></frameset>', "http://x.org/a/b.htm"),
        ("<frameset><frame></frameset>", None),
        ("<p>no frames</p>", None),
    ],
)
def test_the_frame_with_the_most_room_holds_the_text(page: str, address: str | None) -> None:
    assert find_main_frame(parse_html(page), url="http://x.org/a/index.htm") == address
