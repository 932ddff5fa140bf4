"""The books: one query that finds every row which has not exactly one state, outcome and text."""

from __future__ import annotations

from policy_archive.crawler.core.records import Outcome, RowState
from policy_archive.pipelines.store.rows import HAS_TEXT


def _sql_list(values: type[RowState] | type[Outcome]) -> str:
    return ", ".join(f"'{value}'" for value in values)


# Only members of our own enumerations are put into the query.
CONSERVATION_SQL = f"""
select 'pending' as fault, id, original as detail from captures where state = 'pending'
union all
select 'unknown-state', id, state from captures where state not in ({_sql_list(RowState)})
union all
select 'unknown-outcome', id, outcome from captures where outcome not in ({_sql_list(Outcome)})
union all
select 'outcome-without-fetch', id, state || ' ' || outcome from captures
    where outcome is not null and state <> 'fetched'
union all
select 'fetch-without-outcome', id, original from captures where outcome is null and state = 'fetched'
union all
select 'text-without-extraction', id, original from captures
    where {HAS_TEXT} and not exists (
        select 1 from extractions join texts on sha256 = text_sha256
        where capture_id = captures.id and current)
union all
select 'text-without-body', id, original from captures where {HAS_TEXT} and body_digest is null
        and origin is null  -- others' texts come without the page that they were read from
union all
select 'empty-text', captures.id, original from captures
    join extractions on capture_id = captures.id and current
    join texts on sha256 = text_sha256
    where {HAS_TEXT} and texts.words = 0
union all
select 'same-digest-unproven', row.id, row.original from captures as row
    left join captures as proof on proof.id = row.same_as
    where row.state = 'same-digest'
        and (proof.outcome is null or proof.digest is not row.digest
            or proof.document_id is not row.document_id)
union all
select 'bracket-unproven', row.id, row.original from captures as row
    left join captures as after on after.id = row.after_id
    left join captures as before on before.id = row.before_id
    left join extractions as older on older.capture_id = coalesce(after.same_as, after.id) and older.current
    left join extractions as newer on newer.capture_id = coalesce(before.same_as, before.id) and newer.current
    where row.state = 'bracketed' and (
        older.text_sha256 is null or older.text_sha256 is not newer.text_sha256
        or after.timestamp > row.timestamp or before.timestamp < row.timestamp)
union all
select 'text-without-search', texts.sha256, texts.words || ' words' from texts
    where id not in (select id from texts_search_docsize)
union all
select 'version-without-text', versions.document_id || ' ' || version, source.outcome from versions
    join captures as source on source.id = text_capture
    left join extractions on extractions.capture_id = source.id and extractions.current
    where source.outcome is null or not (source.{HAS_TEXT})
        or extractions.text_sha256 is not versions.text_sha256
"""  # noqa: S608
