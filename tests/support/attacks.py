"""What an attacker makes: PDFs, pages, WARC files and servers, as large as they are wanted.

The suite takes them small, `bench/attacks.py` as they stand in the list of attacks.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from tests.support.fronts import make_certificate

POLICY = "<p>We collect personal data about you and share it with nobody at all.</p>" * 9

# PDF


def pdf_of(objects: Iterable[bytes]) -> bytes:
    """Return a PDF of these objects, the first its catalogue."""
    parts, offsets, at = [b"%PDF-1.4\n"], [], 9
    for number, content in enumerate(objects, 1):
        offsets.append(at)
        parts.append(b"%d 0 obj\n%b\nendobj\n" % (number, content))
        at += len(parts[-1])
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(offsets) + 1
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, table))
    parts.append(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, at))
    return b"".join(parts)


def stream_of(content: bytes, entries: str = "") -> bytes:
    """Return a stream object, not packed."""
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), entries.encode(), content)


_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
_CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R >>"


def _page(contents: bytes, resources: bytes = b"/Font << /F1 3 0 R >>") -> bytes:
    return b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %b /Resources << %b >> >>" % (
        contents,
        resources,
    )


def pdf_bomb(megabytes: int, *, layers: int = 1) -> bytes:
    """Return a PDF whose one page unpacks to so many megabytes of text."""
    line = b"BT /F1 9 Tf 50 700 Td (We collect your data and sell it) Tj ET\n"
    packer = zlib.compressobj(9)
    packed = [packer.compress(line * (2**20 // len(line))) for _ in range(megabytes)]
    content = b"".join((*packed, packer.flush()))
    for _ in range(layers - 1):
        content = zlib.compress(content, 9)
    kids = b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>"
    names = b"/FlateDecode" * layers
    stream = b"<< /Length %d /Filter [%b] >>\nstream\n%b\nendstream" % (len(content), names, content)
    return pdf_of([_CATALOGUE, kids, _FONT, _page(b"5 0 R"), stream])


def pdf_of_forms(depth: int) -> bytes:
    """Return a PDF in which each form draws the next one twice: 2 ** depth lines of text."""
    forms = [
        stream_of(
            b"/X Do /X Do",
            entries=f"/Type /XObject /Subtype /Form /BBox [0 0 595 842] "
            f"/Resources << /XObject << /X {6 + number} 0 R >> >>",
        )
        for number in range(1, depth + 1)
    ]
    last = stream_of(
        b"BT /F1 9 Tf 50 700 Td (We collect data) Tj ET",
        entries="/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>",
    )
    kids = b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>"
    page = _page(b"5 0 R", b"/XObject << /X 6 0 R >>")
    return pdf_of([_CATALOGUE, kids, _FONT, page, stream_of(b"/X Do"), *forms, last])


def pdf_of_forms_without_end() -> bytes:
    """Return a PDF in which a form lost its resources: it takes those of its parent, and so draws itself."""
    own = b"/Resources << /XObject << /X 8 0 R >> >>"
    return pdf_of_forms(3).replace(own, own.replace(b"/Resources", b"/Resource_"))


def pdf_in_a_circle() -> bytes:
    """Return a PDF whose tree of pages holds itself, and says that it has a thousand million pages."""
    return pdf_of(
        [_CATALOGUE, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000000000 /Parent 2 0 R >>", _FONT]
    )


def pdf_form_in_a_circle() -> bytes:
    """Return a PDF in which a form draws itself."""
    entries = "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> >>"
    kids = b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>"
    page = _page(b"5 0 R", b"/XObject << /X 6 0 R >>")
    return pdf_of([_CATALOGUE, kids, _FONT, page, stream_of(b"/X Do"), stream_of(b"/X Do", entries=entries)])


def pdf_of_arrays(depth: int) -> bytes:
    """Return a PDF with arrays within arrays."""
    kids = b"<< /Type /Pages /Kids [4 0 R] /Count 1 /Deep %b >>" % (b"[" * depth + b"]" * depth)
    return pdf_of([_CATALOGUE, kids, _FONT, _page(b"5 0 R"), stream_of(b"BT ET")])


# Pages


def attributes_page(elements: int, attributes: int) -> bytes:
    """Return a page of elements with so many attributes each."""
    names = " ".join(f"data-a{number}={number}" for number in range(attributes))
    return f"<h1>Privacy policy</h1>{POLICY}{f'<p {names}>We keep it.</p>' * elements}".encode()


# WARC


def write_warc(path: Path, *records: Iterable[bytes]) -> Path:
    """Write records, each given in pieces, as members of one gzip file."""
    with path.open("wb") as file:
        for pieces in records:
            with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1) as member:
                for piece in pieces:
                    member.write(piece)
    return path


_OK = "HTTP/1.1 200 OK\r\n\r\n"


def warc_record(
    body: Iterable[bytes] = (b"<p>text",),
    *,
    length: int | None = None,
    http: str = _OK,
    **fields: str | None,
) -> Iterator[bytes]:
    """Yield a response record in pieces; fields given replace the right ones, None leaves one out."""
    pieces = body
    if length is None:
        pieces = list(body)
        length = sum(map(len, pieces))
    right: dict[str, str | None] = {
        "WARC-Type": "response",
        "WARC-Target-URI": "http://x.example/",
        "WARC-Date": "2018-01-01T00:00:00Z",
        "WARC-Record-ID": "<urn:uuid:1>",
        "Content-Type": "application/http; msgtype=response",
        "Content-Length": str(len(http) + length),
    }
    right |= {name.replace("_", "-"): value for name, value in fields.items()}
    lines = [f"{name}: {value}" for name, value in right.items() if value is not None]
    yield "\r\n".join(["WARC/1.0", *lines, "", http]).encode()
    yield from pieces
    yield b"\r\n\r\n"


def zeros(megabytes: int) -> Iterator[bytes]:
    """Yield so many megabytes that weigh nothing when they are packed."""
    yield from (bytes(2**20) for _ in range(megabytes))


@contextmanager
def answering(serve: Callable[[socket.socket], None], stopped: threading.Event) -> Iterator[int]:
    """Give each connection to 127.0.0.1 to `serve`, in a thread of its own; yields the port."""

    def accept() -> None:
        while not stopped.is_set():
            with suppress(OSError):
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stopped.set()
            thread.join()


# TLS

TLS_FAULTS = ("plain", "closes", "garbage", "alert", "expired", "old version", "resets later")


@contextmanager
def tls_fault(kind: str, folder: Path) -> Iterator[tuple[int, Path]]:
    """Serve TLS on 127.0.0.1 with one thing wrong; yields the port and the certificate to trust."""
    days = -1 if kind == "expired" else 2
    certificate = make_certificate(folder, "localhost", until=datetime.now() + timedelta(days=days))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if kind == "old version":
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():  # that it is old is why it is chosen
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    stopped = threading.Event()

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(5)
            if kind == "plain":
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            elif kind == "garbage":
                connection.sendall(b"\x16\x03\x03\x40\x00" + bytes(range(256)) * 64)
            elif kind == "alert":
                connection.recv(1000)
                connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")
            elif kind in ("expired", "old version", "resets later"):
                with context.wrap_socket(connection, server_side=True) as secure:
                    secure.recv(1000)
                    secure.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n[")

    with answering(serve, stopped) as port:
        yield port, certificate
