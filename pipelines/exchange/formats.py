"""The export formats: a name, and what writes it; CONTRIBUTING.md says how to add one."""

from __future__ import annotations

from collections.abc import Mapping

from policy_archive.pipelines.exchange.export.exporter import Format
from policy_archive.pipelines.exchange.export.git_repository import export_git, stream_git
from policy_archive.pipelines.exchange.export.markdown_tree import export_markdown
from policy_archive.pipelines.exchange.export.parquet import export_parquet
from policy_archive.pipelines.exchange.export.plain_tables import (
    export_csv,
    export_jsonl,
    stream_csv,
    stream_jsonl,
)
from policy_archive.pipelines.exchange.export.princeton_leuven import export_princeton_leuven
from policy_archive.pipelines.exchange.export.web_archive import export_wacz, export_warc, stream_warc
from policy_archive.pipelines.exchange.export.workbook import export_xlsx

FORMATS: Mapping[str, Format] = {
    "markdown": Format(
        write=export_markdown,
        target="folder",
        what="a file a version in the corpus format, …/intently.co/privacy/20180127122821.md",
    ),
    "git": Format(
        write=export_git,
        stream=stream_git,
        target="folder",
        heeds=frozenset({"html"}),
        stream_heeds=frozenset({"html"}),
        what="a bare repository, a commit a version; again adds what is new (read by git)",
    ),
    "princeton-leuven": Format(
        write=export_princeton_leuven,
        target="file",
        heeds=frozenset({"half_yearly"}),
        what="that corpus's SQLite table (read by sqlite-utils)",
    ),
    "jsonl": Format(
        write=export_jsonl,
        stream=stream_jsonl,
        target="folder",
        stream_heeds=frozenset({"table"}),
        what="tidy tables, an object a line (read by DuckDB, pandas)",
    ),
    "csv": Format(
        write=export_csv,
        stream=stream_csv,
        target="folder",
        heeds=frozenset({"raw_csv"}),
        stream_heeds=frozenset({"table", "raw_csv"}),
        what="tidy tables (read by pandas, DuckDB; R is untested)",
    ),
    "parquet": Format(
        write=export_parquet,
        target="folder",
        what="tidy tables (read by DuckDB, polars, pandas); needs policy-archive[exchange]",
    ),
    "xlsx": Format(
        write=export_xlsx,
        target="file",
        what="one workbook (read by openpyxl); needs policy-archive[exchange]",
    ),
    "warc": Format(
        write=export_warc,
        stream=stream_warc,
        target="file",
        heeds=frozenset({"homes"}),
        stream_heeds=frozenset({"homes"}),
        what="the captured pages (read by warcio, pywb, 'serve')",
    ),
    "wacz": Format(
        write=export_wacz,
        target="file",
        heeds=frozenset({"homes"}),
        what="the captured pages with index and page list (read by pywb, py-wacz; ReplayWeb.page untested)",
    ),
}
