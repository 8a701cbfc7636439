"""A tree as SQL over the tables of the index. What people wrote travels as parameters, never in the SQL."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from tagline.domain.search.tree import DAY, And, Instant, Node, Not, Or, Search, Term, Word
from tagline.domain.search.values import NUMBER

#: The columns of an answer, in their order; ``metrics`` is a list of (name, value) of those that the search names.
COLUMNS = (
    "repository", "artifact", "version", "stages", "type", "description", "labels", "owner", "registered_at", "active",
    "deprecated", "commit", "tag", "digest", "sha256", "size", "uri", "change", "approved_by", "visibility", "metrics",
)  # fmt: skip

_DIGEST = re.compile(r"(md5|sha256|gitblob|gittree):[0-9a-fA-F]+(\.dir)?")
_KEY = "repository, artifact, version"
_OURS = "(v.repository, v.artifact, v.version)"
_NUMBERS = NUMBER.pattern.replace("'", "''")
_OF_ARTIFACT = "(v.repository, v.artifact)"
#: The last of some events as the ledger orders them: of one second by their counters, then by name.
_LAST = "arg_max(event, (timestamp, length(counter), counter, tag))"


class Compiled(NamedTuple):
    """SQL, its parameters (``$1`` first), and the tables that it reads."""

    sql: str
    parameters: tuple[Any, ...]
    tables: frozenset[str]


def compile_search(search: Search, *, all_versions: bool = False) -> Compiled:
    """The SQL of a search: of each artifact the newest version that matches, or all that do.

    Versions that are not active are looked at only where the search names ``active`` or ``deprecated``.
    """
    return _Compiler(search).whole(all_versions=all_versions)


def version_key(version: str) -> str:
    """An expression of SQL that orders versions by SemVer; ``version`` is an expression too."""
    number = "lpad(length(n)::VARCHAR, 3, '0') || n"
    core = f"string_split(regexp_extract({version}, '^[vV]([0-9.]+)', 1), '.')"
    before = f"string_split(regexp_extract({version}, '^[vV][0-9.]+-([^+]*)', 1), '.')"
    part = f"CASE WHEN regexp_full_match(n, '[0-9]+') THEN '0' || {number} ELSE '1' || n END"
    release = f"regexp_matches({version}, '^[vV][0-9.]+-')"
    return (
        f"list_concat(list_transform({core}, lambda n: {number}), CASE WHEN {release} "
        f"THEN list_concat(['0'], list_transform({before}, lambda n: {part})) ELSE ['1'] END)"
    )


class _Compiler:
    """Collects parameters and tables while it goes through a tree."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._parameters: list[Any] = []
        self._tables = {"versions", "artifacts"}
        self._at = None if search.as_of is None else f"to_timestamp({self._given(search.as_of)})"

    def whole(self, *, all_versions: bool) -> Compiled:
        """The statement."""
        parts = [self._node(self._search.where)] if self._search.where is not None else []
        if self._at is not None:
            parts.append(self._registered())
        if not self._search.keys & {"active", "deprecated"}:
            parts.append(self._active())
        where = " AND ".join(parts) or "true"
        # As the ledger does: of versions that differ in build metadata alone the newest registration comes first.
        order = "PARTITION BY v.repository, v.artifact ORDER BY precedence DESC, v.registered_at DESC, v.tag DESC"
        newest = "" if all_versions else f"QUALIFY row_number() OVER ({order}) = 1"
        artifact = ", ".join(f"a.{name}" for name in ("type", "description", "labels", "owner"))
        own = ", ".join(f"h.{name}" for name in COLUMNS[11:20])
        sql = f"""
            WITH hits AS (
              SELECT {_KEY}, {version_key("v.version")} AS precedence FROM versions v WHERE {where} {newest}
            ),
            held AS ({self._held()}),
            measured AS ({self._measured()})
            SELECT repository, artifact, version, coalesce(held.stages, []) AS stages, {artifact}, h.registered_at,
              {self._active("h")} AS active, {self._deprecated("h")} AS deprecated, {own},
              coalesce(m.metrics, []) AS metrics
            FROM hits
            JOIN versions h USING ({_KEY})
            LEFT JOIN artifacts a USING (repository, artifact)
            LEFT JOIN held USING ({_KEY})
            LEFT JOIN measured m USING ({_KEY})
            ORDER BY repository, artifact, precedence DESC, h.registered_at DESC, h.tag DESC
        """
        return Compiled(sql, tuple(self._parameters), frozenset(self._tables))

    def _given(self, value: Any) -> str:
        self._parameters.append(value)
        return f"${len(self._parameters)}"

    def _from(self, table: str) -> str:
        self._tables.add(table)
        return table

    def _held(self) -> str:
        stages = (
            "SELECT h.repository, h.artifact, h.version, list(DISTINCT s.stage ORDER BY s.stage) AS stages FROM hits h"
        )
        return f"{stages} JOIN {self._stages()} s USING ({_KEY}) GROUP BY ALL"

    def _stages(self) -> str:
        """Who holds what, now or then."""
        if self._at is None:
            return self._from("stages")
        during = f"since <= {self._at} AND (until IS NULL OR until > {self._at})"
        return f"(SELECT * FROM {self._from('holds')} WHERE {during})"

    def _measured(self) -> str:
        names = [self._is("name", "~" if pattern else "=", name) for name, pattern in self._search.metrics]
        if not names:
            return "SELECT NULL AS repository, NULL AS artifact, NULL AS version, NULL AS metrics WHERE false"
        metrics = "list({'name': m.name, 'value': m.value} ORDER BY m.name, m.value) AS metrics"
        rows = f"SELECT * FROM {self._from('metrics')} WHERE {' OR '.join(names)}"
        return f"SELECT {_KEY}, {metrics} FROM ({rows}) m SEMI JOIN hits USING ({_KEY}) GROUP BY ALL"

    def _node(self, node: Node) -> str:
        if isinstance(node, Word):
            return self._word(node.text)
        if isinstance(node, Not):
            return f"(NOT {self._node(node.node)})"
        if isinstance(node, And | Or):
            return "(" + (" AND " if isinstance(node, And) else " OR ").join(map(self._node, node.nodes)) + ")"
        if node.operator == "!=":
            return f"(NOT {self._term(replace(node, operator='='))})"
        return self._term(node)

    def _word(self, text: str) -> str:
        given = self._given(text)
        described = self._artifacts(f"contains(lower(description), lower({given}))")
        return f"(contains(lower(v.artifact), lower({given})) OR {described})"

    def _term(self, term: Term) -> str:
        known: dict[str, Callable[[Term], str]] = {
            "artifact": lambda term: self._matches("v.artifact", term),
            "repository": lambda term: self._matches("v.repository", term),
            "type": lambda term: self._artifacts(self._matches("type", term)),
            "owner": lambda term: self._artifacts(self._matches("owner", term)),
            "label": lambda term: self._artifacts(self._any_of("labels", term)),
            "stage": lambda term: self._versions(self._stages(), self._matches("stage", term)),
            "version": self._version,
            "metric": self._metric,
            "param": self._param,
            "input": self._input,
            "registered": lambda term: self._when("v.registered_at", term),
            "since": self._since,
            "change": lambda term: self._of_changes(lambda: self._change(term)),
            "approved": lambda term: self._of_changes(lambda: self._any_of("approved_by", term)),
            "active": lambda term: f"({self._active()} = {self._given(term.value)})",
            "deprecated": lambda term: f"({self._deprecated()} = {self._given(term.value)})",
        }
        return known[term.key](term)

    def _is(self, column: str, operator: str | None, value: Any) -> str:
        """Whether a text is what was given; false for none."""
        if operator == "~":
            pattern = "%".join(re.sub(r"([\\%_])", r"\\\1", part) for part in str(value).split("*"))
            return f"coalesce(lower({column}) LIKE lower({self._given(pattern)}) ESCAPE '\\', false)"
        given = self._given(value)
        same = f"{column} = {given}" if operator == "=" else f"lower({column}) = lower({given})"
        return f"coalesce({same}, false)"

    def _matches(self, column: str, term: Term) -> str:
        return self._is(column, term.operator, term.value)

    def _any_of(self, column: str, term: Term) -> str:
        return f"(len(list_filter({column}, lambda one: {self._matches('one', term)})) > 0) IS TRUE"

    def _artifacts(self, condition: str) -> str:
        return f"({_OF_ARTIFACT} IN (SELECT repository, artifact FROM {self._from('artifacts')} WHERE {condition}))"

    def _versions(self, rows: str, condition: str) -> str:
        some = f"version IS NOT NULL AND {condition}"
        return f"({_OURS} IN (SELECT {_KEY} FROM {rows} WHERE {some}))"

    def _version(self, term: Term) -> str:
        if term.operator in (":", "=", "~"):
            return self._matches("v.version", term)
        return f"({version_key('v.version')} {term.operator} {version_key(self._given(term.value))})"

    def _name(self, term: Term) -> str:
        return self._is("name", "~" if term.name_is_pattern else "=", term.name)

    def _metric(self, term: Term) -> str:
        condition = self._name(term)
        if term.operator is not None:
            # DuckDB takes NaN for greater than everything, and equal to itself.
            condition += f" AND NOT isnan(value) AND value {term.operator} {self._given(term.value)}::DOUBLE"
        return self._versions(self._from("metrics"), condition)

    def _param(self, term: Term) -> str:
        condition = self._name(term)
        # Not TRY_CAST alone, for which other texts are numbers too.
        number = f"CASE WHEN regexp_full_match(value, '{_NUMBERS}') THEN TRY_CAST(value AS DOUBLE) END"
        if isinstance(term.value, float):
            condition += f" AND {number} {term.operator} {self._given(term.value)}::DOUBLE"
        elif term.operator is not None:
            same = self._matches("value", term)
            if NUMBER.fullmatch(str(term.value)):
                same = f"({same} OR coalesce({number} = {self._given(float(str(term.value)))}::DOUBLE, false))"
            condition += f" AND {same}"
        return self._versions(self._from("params"), condition)

    def _input(self, term: Term) -> str:
        if term.operator in (":", "=") and _DIGEST.fullmatch(str(term.value)):
            digest = str(term.value).lower() if term.operator == ":" else term.value
            condition = f"digest = {self._given(digest)}"
        else:
            condition = " OR ".join(self._matches(column, term) for column in ("digest", "path", "origin"))
        return self._versions(self._from("inputs"), f"kind != 'out' AND ({condition})")

    def _when(self, column: str, term: Term) -> str:
        if not isinstance(term.value, Instant):
            raise TypeError(term)
        start = f"to_timestamp({self._given(term.value.seconds)})"
        if term.operator not in (":", "="):
            return f"({column} {term.operator} {start})"
        length = DAY if term.value.is_day else 1
        end = f"to_timestamp({self._given(term.value.seconds + length)})"
        return f"({column} >= {start} AND {column} < {end})"

    def _since(self, term: Term) -> str:
        condition = self._when("since", term)
        if term.name is not None:
            condition += " AND " + self._is("stage", "~" if term.name_is_pattern else ":", term.name)
        return self._versions(self._stages(), condition)

    def _change(self, term: Term) -> str:
        same = self._matches("change", term)
        if term.operator == ":" and str(term.value).isascii() and str(term.value).isdigit():
            return f"({same} OR coalesce(suffix(change, {self._given(f'/{term.value}')}), false))"
        return same

    def _of_changes(self, condition: Callable[[], str]) -> str:
        """Of the change that registered a version, or of one that gave it a stage."""
        before = "" if self._at is None else f"since <= {self._at} AND "
        registered = self._versions("versions", condition())
        return f"({registered} OR {self._versions(self._from('holds'), before + condition())})"

    def _registered(self) -> str:
        """Whether the version was registered by then, if only for the first of several times."""
        before = f"SELECT {_KEY} FROM {self._from('events')} WHERE event = 'registration' AND timestamp <= {self._at}"
        return f"(v.registered_at <= {self._at} OR {_OURS} IN ({before}))"

    def _active(self, row: str = "v") -> str:
        if self._at is None:
            return f"{row}.active"
        about = "event IN ('registration', 'deregistration')"
        gone = f"SELECT {_KEY} {self._until(about)} GROUP BY {_KEY} HAVING {_LAST} = 'deregistration'"
        ours = f"({row}.repository, {row}.artifact, {row}.version)"
        return f"({ours} NOT IN ({gone}) AND NOT {self._deprecated(row)})"

    def _deprecated(self, row: str = "v") -> str:
        """Whether the artifact's newest event, until then, is its deprecation."""
        if self._at is None:
            found = "SELECT repository, artifact FROM artifacts WHERE deprecated"
        else:
            last = f"GROUP BY repository, artifact HAVING {_LAST} = 'deprecation'"
            found = f"SELECT repository, artifact {self._until('true')} {last}"
        return f"(({row}.repository, {row}.artifact) IN ({found}))"

    def _until(self, condition: str) -> str:
        """The events by then of which something is true, each with its counter."""
        behind = "CASE WHEN stage IS NULL THEN 1 ELSE length(stage) + 2 END"
        counter = f"ltrim(regexp_extract(substr(tag, length(artifact) + {behind}), '#([0-9]+)$', 1), '0')"
        events = f"SELECT *, {counter} AS counter FROM {self._from('events')} WHERE timestamp <= {self._at}"
        return f"FROM ({events}) WHERE {condition}"
