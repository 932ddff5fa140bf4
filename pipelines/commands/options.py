"""Click options that several commands share: one home for each name, default and environment variable.

What only commands that crawl take is in `crawl_options`: a command that reads need not load a crawl.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import click

from policy_archive.crawler.core.defaults import DATABASE
from policy_archive.crawler.core.exit_statuses import ExitStatus
from policy_archive.crawler.core.stored import POLICY_KINDS
from policy_archive.pipelines.outputs.rows import say

if TYPE_CHECKING:
    from policy_archive.crawler.crawl.site_lists import ListedSite

_Command = TypeVar("_Command", bound=Callable[..., Any])

DATABASE_VARIABLE = "POLICY_ARCHIVE_DB"
COMPLETE_VARIABLE = "_POLICY_ARCHIVE_COMPLETE"
"""What the scripts of `completion` set; click's own name hangs on how the program was started."""
_EARLY = "early_database"


class _DatabaseOption(click.Option):
    """--db of a command: where it is not given, the one that was given before the command's name."""

    def consume_value(
        self, ctx: click.Context, opts: Mapping[str, Any]
    ) -> tuple[Any, click.core.ParameterSource]:
        value, source = super().consume_value(ctx, opts)
        if source is not click.core.ParameterSource.COMMANDLINE:
            above = ctx.parent
            while above is not None:
                if (given := above.params.get(_EARLY)) is not None:
                    return given, click.core.ParameterSource.COMMANDLINE
                above = above.parent
        return value, source


early_db_option = click.option(
    "--db",
    _EARLY,
    type=click.Path(dir_okay=False, path_type=Path),
    expose_value=True,
    help="SQLite file of the corpus; may stand here or after the command.",
)
"""--db before the command: of groups, whose callbacks get `early_database` and need not look at it."""

db_option = click.option(
    "--db",
    "database",
    cls=_DatabaseOption,
    type=click.Path(dir_okay=False, path_type=Path),
    default=DATABASE,
    envvar=DATABASE_VARIABLE,
    show_default=True,
    show_envvar=True,
    help="SQLite file of the corpus.",
)

_SHOWN_LINES = 10


class FolderPath(click.Path):
    """A folder that is written into: it need not be there, and may be no file."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if Path(value).is_file():
            self.fail(f"'{value}' is a file, and a folder is written: name another one.", param, ctx)
        return super().convert(value, param, ctx)


class OutputPath(click.Path):
    """A file or folder that is written, `-` too where a stream is: one that stands there is replaced, but
    never a corpus, which nothing could bring back."""

    def __init__(self, *, stream: bool = False, folder: bool = False) -> None:
        super().__init__(allow_dash=stream, dir_okay=folder, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        # loaded when there is something to look at only: most targets are new
        if Path(value).is_file():
            from policy_archive.pipelines.store.connection import is_corpus

            if is_corpus(Path(value)):
                self.fail(
                    f"'{value}' is a corpus of policies, and would be lost: name another file.", param, ctx
                )
        return super().convert(value, param, ctx)


class ListedSites:
    """The list that --sites gave: its sites one by one, and in the end what became of its lines."""

    def __init__(self, file: BinaryIO, column: str | None) -> None:
        self._file = file
        self._column = column
        self._read = 0
        self._left_out: list[int] = []
        self.name = Path(str(file.name)).name.strip("<>")

    def __iter__(self) -> Iterator[ListedSite]:
        """Yield the sites of the list; a line that names none is told on stderr and left out."""
        # loaded for a list only: a command that reads need not load a crawl
        from policy_archive.crawler.crawl.site_lists import ListedSite, decode_list, iter_sites

        lines = decode_list(self._file, name=self.name)
        for item in iter_sites(lines, column=self._column):
            self._read += 1
            if isinstance(item, ListedSite):
                yield item
            else:
                self.leave_out(item.number, item.reason)

    def leave_out(self, number: int, reason: str) -> None:
        """Tell on stderr that a line is left out, and count it."""
        self._left_out.append(number)
        say(f"line {number} left out: {reason}")

    def end(self, status: int) -> int:
        """Return what a command exits with: where all else is well, lines left out have their own."""
        if not self._left_out:
            return status
        lines = ", ".join(map(str, self._left_out[:_SHOWN_LINES]))
        more = len(self._left_out) - _SHOWN_LINES
        more_text = f" and {more} more" if more > 0 else ""
        taken = self._read - len(self._left_out)
        line = "line" if len(self._left_out) == 1 else "lines"
        say(f"{self.name}: {taken} of {self._read} companies; left out: {line} {lines}{more_text}")
        return status or ExitStatus.LINES_LEFT_OUT


def sites_options(command: _Command) -> _Command:
    """Add --sites and --column; the command gets `listed`, a ListedSites, or None without a list."""

    @wraps(command)
    def with_list(*arguments: Any, sites_file: BinaryIO | None, column: str | None, **named: Any) -> Any:
        if sites_file is None:
            if column is not None:
                raise click.UsageError("--column is of a list: give --sites FILE, too.")
            return command(*arguments, listed=None, **named)
        listed = ListedSites(sites_file, column)
        return listed.end(command(*arguments, listed=listed, **named) or 0)

    decorated: Any = with_list
    for option in (
        click.option(
            "--column",
            metavar="NAME",
            help="Column of the list that holds the sites: its name or its number, from 1.  "
            "[default: seen from its cells]",
        ),
        click.option(
            "--sites",
            "sites_file",
            type=click.File("rb"),
            metavar="FILE",
            help="Also the sites in a file: one domain a line, or a table (CSV, semicolons, tabs); - is "
            "stdin.",
        ),
    ):
        decorated = option(decorated)
    result: _Command = decorated
    return result


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class VersionNumber(click.ParamType[int]):
    """A version's number, as it stands in `history`: 3, or v3 as `diff` takes it."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).lower().removeprefix("v")
        if not (text.isascii() and text.isdecimal() and int(text)):
            self.fail(f"'{value}' is no number of a version: write 3 or v3.", param, ctx)
        return int(text)


def version_options(command: _Command) -> _Command:
    """Add --at and --version, which choose among a document's versions: `day` and `number`."""
    for option in (
        click.option(
            "--version", "number", type=VersionNumber(), metavar="N", help="The version of that number."
        ),
        click.option(
            "--at",
            "day",
            metavar="DATE",
            help="The text in force at the end of that day, UTC; "
            "a month or a year (2018-01, 2018) means its last.",
        ),
    ):
        command = option(command)
    return command


def document_options(command: _Command) -> _Command:
    """Add --kind and --name, which choose among a site's documents."""
    for option in (
        click.option(
            "--name", help="Name of a document beside the main one of its kind ('documents' lists them)."
        ),
        click.option(
            "--kind",
            type=click.Choice([kind.value for kind in POLICY_KINDS]),
            help="Kind of document.  [default: privacy, or what there is]",
        ),
    ):
        command = option(command)
    return command


def weight_options(command: _Command) -> _Command:
    """Add --substantive and --min-words, which leave out changes that matter less; see versions.class."""
    for option in (
        click.option(
            "--min-words",
            type=click.IntRange(min=0),
            default=0,
            metavar="N",
            help="Only changes of at least so many words, added and removed together.",
        ),
        click.option(
            "--substantive",
            is_flag=True,
            help="Only changes that matter: no edits of a few words, dates, links. A number, a duty, a "
            "negation, who is responsible always matter.",
        ),
    ):
        command = option(command)
    return command


def row_options(command: _Command) -> _Command:
    """Add --json, --nl and --csv; the command gets `row_format`: table, json, nl or csv."""
    for name in ("csv", "nl", "json"):
        command = click.option(
            f"--{name}",
            "row_format",
            flag_value=name,
            help={
                "json": "Print a JSON array.",
                "nl": "Print JSON, one object a line.",
                "csv": "Print CSV.",
            }[name],
        )(command)
    return click.option("--table", "row_format", flag_value="table", default="table", hidden=True)(command)
