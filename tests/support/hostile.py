"""Constructs that archived pages hold and that must do nothing here: as text, title, domain, address."""

from __future__ import annotations

_RUN = "window.__pwned=1;alert(1)"
HOSTILE = {
    "script": f"<script>{_RUN}</script>",
    "img-onerror": f'<img src=x onerror="{_RUN}">',
    "svg-onload": f"<svg/onload={_RUN}><script>{_RUN}</script></svg>",
    "math-style": f"<math><mtext><table><mglyph><style><img src=x onerror={_RUN}></style></math>",
    "iframe": f'<iframe srcdoc="<script>parent.{_RUN}</script>" src="javascript:{_RUN}"></iframe>',
    "meta-refresh": '<meta http-equiv="refresh" content="0;url=http://evil.example/">',
    "base": '<base href="http://evil.example/">',
    "form": f'<form action="http://evil.example/"><button formaction="javascript:{_RUN}">x</form>',
    "style": "<style>@import url(http://evil.example/x.css); body{background:url(http://evil.example/i)}</style>",
    "style-attribute": '<p style="background:url(http://evil.example/i)">x</p>',
    "comment": f"<!--><script>{_RUN}</script--><!-- --!><script>{_RUN}</script>",
    "markdown-javascript": f"[click](javascript:{_RUN}) [c](JaVaScRiPt:{_RUN}) <javascript:{_RUN}>",
    "markdown-entity": f"[click](&#106;avascript:{_RUN}) [c](java&Tab;script:{_RUN}) [d](\tjavascript:1)",
    "markdown-data": "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==) "
    "![i](data:image/svg+xml,<svg/onload=alert(1)>)",
    "markdown-image": "![x](http://evil.example/pixel.gif) ![y][z]\n\n[z]: http://evil.example/pixel2.gif",
    "markdown-attributes": f'[x](http://a.example/"onmouseover="{_RUN})'
    f" [y](http://a.example '\" onfocus=\"{_RUN}')",
    "breakout": f"\"'></title></textarea></style></svg></article><script>{_RUN}</script>",
    "entities": f"&lt;script&gt;{_RUN}&lt;/script&gt; &#60;script&#62;{_RUN}&#60;/script&#62;",
    "object": f'<object data="javascript:{_RUN}"></object><embed src="http://evil.example/x.swf">',
    "code-fence": f"```html\n</code></pre><script>{_RUN}</script>\n```\n\n`<script>{_RUN}</script>`",
}
HOSTILE_SITE = "<script>window.__pwned=1;alert(1)</script>.example"
"""No domain: but a database that somebody sends may say so."""
HOSTILE_ADDRESS = (
    "javascript:window.__pwned=1;alert(1)//\"><img src=http://evil.example/x onerror='alert(1)'>"
)
