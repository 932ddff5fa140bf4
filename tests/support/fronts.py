"""What may stand between the program and an archive: TLS, and a proxy as companies have them."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .patience import PATIENCE

Address = tuple[str, int]


@dataclass
class Front:
    """A server on 127.0.0.1 that passes on what it gets; `asked` are the first lines of what came."""

    port: int = 0
    asked: list[str] = field(default_factory=list)


def make_certificate(folder: Path, host: str, *, until: datetime | None = None) -> Path:
    """Write a certificate that signs itself, with its key; return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now()
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(until or now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{host}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return file


@contextmanager
def tls_front(archive_url: str, certificate: Path) -> Iterator[Front]:
    """Serve an archive by https."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    front = Front()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _connection(_address_of(archive_url)) as (upstream_reader, upstream_writer):
            await _join(reader, upstream_writer, upstream_reader, writer)

    with _run(front, serve, context):
        yield front


@contextmanager
def proxy_front(upstream: Address, *, refuse: bool = False) -> Iterator[Front]:
    """Serve as a proxy that knows one host, whatever name it is asked for."""
    front = Front()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _connection(upstream) as (upstream_reader, upstream_writer):
            head = await reader.readuntil(b"\r\n\r\n")
            front.asked.append(head.split(b"\r\n")[0].decode())
            if refuse:
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
                return
            if head.startswith(b"CONNECT "):
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await _join(reader, upstream_writer, upstream_reader, writer)
                return
            answers = asyncio.create_task(_pass_on(upstream_reader, writer))
            while head:
                upstream_writer.write(_in_origin_form(head))
                with suppress(asyncio.IncompleteReadError):
                    head = await reader.readuntil(b"\r\n\r\n")
                    front.asked.append(head.split(b"\r\n")[0].decode())
                    continue
                head = b""
            answers.cancel()

    with _run(front, serve, None):
        yield front


def _in_origin_form(head: bytes) -> bytes:
    line, rest = head.split(b"\r\n", 1)
    method, target, version = line.split(b" ")
    parts = urlsplit(target.decode())
    path = target.decode().removeprefix(f"{parts.scheme}://{parts.netloc}")
    return b" ".join((method, path.encode(), version)) + b"\r\n" + rest


def _address_of(url: str) -> Address:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


@asynccontextmanager
async def _connection(
    address: Address,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield reader, writer
    finally:
        writer.close()


async def _join(
    reader: asyncio.StreamReader,
    upstream_writer: asyncio.StreamWriter,
    upstream_reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    await asyncio.gather(_pass_on(reader, upstream_writer), _pass_on(upstream_reader, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def _run(front: Front, serve: object, context: ssl.SSLContext | None) -> Iterator[None]:
    """Serve in a thread of its own; sets the front's port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError, ssl.SSLError):
            await serve(reader, writer)  # type: ignore[operator]
        tasks.discard(task)
        writer.close()

    async def close() -> None:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    starting = asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(timeout=PATIENCE)
    front.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(close(), loop).result(timeout=PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=PATIENCE)
        loop.close()
