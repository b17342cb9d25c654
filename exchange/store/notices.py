"""Statements about notices: the texts, and who approved them."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import Connection
from psycopg.rows import TupleRow

from consent.notices import APPROVERS_MIN, Notice, NoticeKind, RegisteredNotice
from exchange.services.notices.ports import NoticeKey, NoticeRow
from exchange.store.statement import Statement

_KEY = "notice_id = %(notice_id)s AND version = %(version)s AND lang = %(lang)s"

_REGISTER = Statement("""
WITH registered AS (
    INSERT INTO notice (notice_id, version, lang, kind, jurisdiction, purpose, sha256, document,
        registered_at)
    SELECT n.*, %(now)s
    FROM unnest(%(notice_id)s::text[], %(version)s::text[], %(lang)s::text[], %(kind)s::text[],
        %(jurisdiction)s::text[], %(purpose)s::text[], %(sha256)s::bytea[], %(document)s::bytea[]) n
    ON CONFLICT DO NOTHING
    RETURNING notice_id, version, lang
)
INSERT INTO notice_approval (notice_id, version, lang, approver, approved_at)
SELECT r.notice_id, r.version, r.lang, a.approver, %(now)s
FROM registered r, unnest(%(approvers)s::text[]) AS a(approver)
""")
_APPROVE = Statement("""
INSERT INTO notice_approval (notice_id, version, lang, approver, approved_at)
VALUES (%(notice_id)s, %(version)s, %(lang)s, %(approver)s, %(now)s)
ON CONFLICT DO NOTHING
""")
_RETIRE = Statement(f"UPDATE notice SET retired_at = %(at)s WHERE {_KEY}")  # noqa: S608 - constants
_LIST = """
SELECT n.notice_id, n.version, n.lang, n.kind, n.jurisdiction, n.purpose, n.sha256,
    n.registered_at, n.retired_at, array(
        SELECT a.approver FROM notice_approval a
        WHERE a.notice_id = n.notice_id AND a.version = n.version AND a.lang = n.lang
        ORDER BY a.approved_at, a.approver)
FROM notice n
"""
_FIND = Statement(f"{_LIST} WHERE {_KEY}")
_ALL = Statement(f"{_LIST} ORDER BY notice_id, registered_at, lang")
# Locked against a retirement that commits before the artefact that names it.
_REGISTERED = Statement(f"""
SELECT n.sha256, n.kind, n.jurisdiction, n.purpose, (
    SELECT count(*) FROM notice_approval a
    WHERE a.notice_id = n.notice_id AND a.version = n.version AND a.lang = n.lang), n.retired_at
FROM notice n WHERE {_KEY} FOR SHARE OF n
""")  # noqa: S608 - composed of constants alone
# A version is retired when its last language is.
_TEMPLATES = Statement("""
SELECT n.notice_id || ':' || n.version,
    CASE WHEN bool_and(n.retired_at IS NOT NULL) THEN max(n.retired_at) END
FROM notice n
WHERE n.kind = %(kind)s AND n.jurisdiction = %(jurisdiction)s AND %(approvers)s <= (
    SELECT count(*) FROM notice_approval a
    WHERE a.notice_id = n.notice_id AND a.version = n.version AND a.lang = n.lang)
GROUP BY n.notice_id, n.version
""")
_DOCUMENT = Statement("SELECT document FROM notice WHERE sha256 = %(sha256)s")


class Notices:
    """Statements about notices, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def register(self, notice: Notice, document: bytes, approvers: Sequence[str], now: int) -> bool:
        """Store a notice and who approves it; say whether id, version and language were free."""
        return self._register([(notice, document)], approvers, now) == len(approvers)

    def register_each(
        self, texts: Sequence[tuple[Notice, bytes]], approvers: Sequence[str], now: int
    ) -> None:
        """Store notices with their documents, and who approves them all; known ones stay."""
        self._register(texts, approvers, now)

    def _register(
        self, texts: Sequence[tuple[Notice, bytes]], approvers: Sequence[str], now: int
    ) -> int:
        """Do so in one statement; return how many approvals are new."""
        notices = [notice for notice, _ in texts]
        parameters = {
            "notice_id": [one.id for one in notices],
            "version": [one.version for one in notices],
            "lang": [one.lang for one in notices],
            "kind": [one.kind.value for one in notices],
            "jurisdiction": [one.jurisdiction for one in notices],
            "purpose": [one.purpose.value for one in notices],
            "sha256": [one.sha256 for one in notices],
            "document": [document for _, document in texts],
            "approvers": list(approvers),
            "now": now,
        }
        return _REGISTER.run(self._connection, parameters).rowcount

    def approve(self, key: NoticeKey, approver: str, now: int) -> bool:
        """Store an approval; say whether it is a new one."""
        parameters = {**key._asdict(), "approver": approver, "now": now}
        return _APPROVE.run(self._connection, parameters).rowcount == 1

    def retire(self, key: NoticeKey, at: int) -> bool:
        """Set the time from which no new artefact may name it; say whether there is such one."""
        return _RETIRE.run(self._connection, {**key._asdict(), "at": at}).rowcount == 1

    def find(self, key: NoticeKey) -> NoticeRow | None:
        """Find one notice."""
        row = _FIND.run(self._connection, key._asdict()).fetchone()
        return None if row is None else _row(row)

    def registered(self, key: NoticeKey) -> RegisteredNotice | None:
        """Find what an artefact's notice is held against."""
        row = _REGISTERED.run(self._connection, key._asdict()).fetchone()
        if row is None:
            return None
        return RegisteredNotice(
            sha256=row[0],
            kind=row[1],
            jurisdiction=row[2],
            purpose=row[3],
            approvers=row[4],
            retired_at=row[5],
        )

    def templates(self, kind: NoticeKind, jurisdiction: str) -> dict[str, int | None]:
        """Return when each approved notice was retired, None where it was not, by `id:version`."""
        parameters = {
            "kind": kind.value,
            "jurisdiction": jurisdiction,
            "approvers": APPROVERS_MIN,
        }
        return {row[0]: row[1] for row in _TEMPLATES.run(self._connection, parameters)}

    def document(self, sha256: bytes) -> bytes | None:
        """Find a document by its digest."""
        row = _DOCUMENT.run(self._connection, {"sha256": sha256}).fetchone()
        return None if row is None else row[0]

    def all(self) -> list[NoticeRow]:
        """List every notice, by id, age and language."""
        return [_row(row) for row in _ALL.run(self._connection, {})]


def _row(row: TupleRow) -> NoticeRow:
    return NoticeRow(
        key=NoticeKey(*row[:3]),
        kind=row[3],
        jurisdiction=row[4],
        purpose=row[5],
        sha256=row[6],
        registered_at=row[7],
        retired_at=row[8],
        approvers=tuple(row[9]),
    )
