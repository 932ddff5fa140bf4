"""`policy-archive serve`: a local archive for anyone who has WARC files."""

from __future__ import annotations

import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import click

from policy_archive.archive_server.kept_source import KeptSource, find_index_folder
from policy_archive.archive_server.log import LogEntry
from policy_archive.archive_server.server import ArchiveServer
from policy_archive.archive_server.warc_files import find_warcs, unpack_warcs
from policy_archive.crawler.core.steering import clean_text


@click.command("serve")
@click.argument(
    "warcs", metavar="WARC...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on.  [default: any]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--allow-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="A further name by which the server may be asked.",
)
@click.option(
    "--index-folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where indexes of the files are kept for the next time.  [default: the user's cache]",
)
@click.option("--quiet", is_flag=True, help="Do not print a line for every request.")
def serve_command(
    warcs: tuple[Path, ...],
    port: int,
    host: str,
    allowed_hosts: tuple[str, ...],
    index_folder: Path | None,
    quiet: bool,
) -> None:
    """Serve WARC and WACZ files, or folders of them, as a Wayback Machine would.

    Each file is read once: its index (CDXJ) is kept, and made anew when the file has changed.

    \b
    Example:
      policy-archive serve data/demo --port 8080
      policy-archive fetch tidelock.example --archive http://127.0.0.1:8080
    """
    paths = find_warcs(warcs)
    click.echo(f"Reading {len(paths)} WARC {'file' if len(paths) == 1 else 'files'} …", err=True)
    with ExitStack() as stack:
        folder = _choose_folder(index_folder or find_index_folder(), stack)
        files = stack.enter_context(unpack_warcs(paths))
        source = stack.enter_context(KeptSource(files, folder))
        names = {file.path: file.name for file in files}
        with ArchiveServer(
            source=source,
            index=source.index,
            host=host,
            port=port,
            on_request=None if quiet else _print_request,
            allowed_hosts=(host, *allowed_hosts),
        ) as archive:
            for fault in source.faults:
                click.echo(clean_text(f"{names[fault.path]}: {fault.reason}"), err=True)
            click.echo(f"{len(archive.archive.index.rows)} captures. Stop with Ctrl-C.", err=True)
            if archive.left_out:
                click.echo(
                    f"{archive.left_out} records left out: no address, date or status in them.", err=True
                )
            click.echo(archive.url)
            _wait_for_signal()


def _choose_folder(folder: Path, stack: ExitStack) -> Path:
    """Return the folder, or one for this run alone when nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        reason = error.strerror or error
        click.echo(clean_text(f"Indexes cannot be kept in {folder} ({reason}): made for this run."), err=True)
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="policy-archive-")))


def _print_request(entry: LogEntry) -> None:
    click.echo(clean_text(f"{entry.at:%H:%M:%S} {entry.kind} {entry.status} {entry.path}"), err=True)


def _wait_for_signal() -> None:
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    # a bare wait() would not let the main thread see the signal on every system
    while not stop.wait(0.5):
        pass
