"""Statements by which an authority reads the log, opens persons, and finds flags."""

from __future__ import annotations

from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.services.audit.ports import (
    RaisedFlag,
    Released,
    SealedLeaf,
    SearchTerms,
    SignedCheckpoint,
    SubjectOpening,
)
from exchange.services.log.ports import LogRef
from exchange.store.statement import Statement

_FIND_LOG = Statement("SELECT log_id, origin FROM log WHERE origin = %(origin)s")

# A leaf with its index.
_PLACED = "leaf f JOIN leaf_place p USING (ord)"
# What was erased has neither opening nor key, and is a leaf all the same.
_SEALED = f"""
SELECT p.leaf_index, f.leaf_hash, f.entry, f.created_at, o.key_id, o.subject, o.audit, k.kek_id,
    k.wrapped
FROM {_PLACED} LEFT JOIN opening o USING (leaf_hash) LEFT JOIN opening_key k USING (key_id)
"""  # noqa: S608 - composed of constants alone

_LEAVES = Statement(f"""
{_SEALED}
WHERE p.log_id = %(log_id)s AND p.leaf_index >= %(first)s AND p.leaf_index < %(end)s
ORDER BY p.leaf_index
""")

_MATCHES = """
p.log_id = %(log_id)s AND p.leaf_index > %(after)s AND p.leaf_index < %(size)s
AND (%(member)s::text IS NULL OR s.member_id = %(member)s)
AND (%(subject)s::text IS NULL OR s.subject = %(subject)s)
AND (%(purpose)s::text IS NULL OR s.purpose = %(purpose)s)
AND (%(outcome)s::text IS NULL OR s.outcome = %(outcome)s)
AND (%(kind)s::text IS NULL OR s.kind = %(kind)s)
AND (%(operator_mac)s::bytea IS NULL OR s.operator_mac = %(operator_mac)s)
AND (%(since)s::bigint IS NULL OR s.t >= %(since)s)
AND (%(until)s::bigint IS NULL OR s.t < %(until)s)
AND (%(hits)s::bigint[] IS NULL OR p.leaf_index = ANY(%(hits)s::bigint[]))
"""
_COUNT = Statement(f"""
SELECT count(*) FROM {_PLACED} JOIN log_search s USING (leaf_hash) WHERE {_MATCHES}
""")  # noqa: S608 - composed of constants alone
_SEARCH = Statement(f"""
{_SEALED} JOIN log_search s USING (leaf_hash)
WHERE {_MATCHES} ORDER BY p.leaf_index LIMIT %(rows)s
""")
# From a time on: what lies in the window is gathered first. In the order of the index the planner
# would walk through all that lies before it.
_SEARCH_FROM = Statement(f"""
WITH s AS MATERIALIZED (
    SELECT * FROM log_search
    WHERE t >= %(since)s AND (%(until)s::bigint IS NULL OR t < %(until)s)
)
{_SEALED} JOIN s USING (leaf_hash)
WHERE {_MATCHES} ORDER BY p.leaf_index LIMIT %(rows)s
""")  # noqa: S608 - composed of constants alone

_OF_KIND = Statement(f"""
{_SEALED} JOIN log_search s USING (leaf_hash)
WHERE p.log_id = %(log_id)s AND s.kind = %(kind)s
ORDER BY p.leaf_index
""")

_COUNTS = Statement(f"""
SELECT s.member_id, s.kind, s.outcome, count(*) FROM {_PLACED} JOIN log_search s USING (leaf_hash)
WHERE p.log_id = %(log_id)s AND s.member_id <> ''
    AND (%(member)s::text IS NULL OR s.member_id = %(member)s)
GROUP BY s.member_id, s.kind, s.outcome
""")  # noqa: S608 - composed of constants alone

# A search is no probe of an index: it may read a table whole, which the pool forbids elsewhere.
_SCANS = Statement("SELECT set_config('enable_seqscan', 'on', true)")

# With every cosignature that is kept below it.
_CHECKPOINT = """
SELECT size, root, note || coalesce(
    (SELECT string_agg(c.line, '' ORDER BY c.signed_at, c.witness) FROM cosignature c
     WHERE c.log_id = k.log_id AND c.size = k.size), ''), signed_at
FROM checkpoint k
"""
# The newest with a quorum, unless that is old; then the newest signed one.
_NEWEST = Statement(f"""
{_CHECKPOINT} WHERE log_id = %(log_id)s AND size = coalesce(
    (SELECT size FROM published WHERE log_id = %(log_id)s AND quorum_at >= %(since)s),
    (SELECT max(size) FROM checkpoint WHERE log_id = %(log_id)s))
""")  # noqa: S608 - composed of constants alone
_AT_SIZE = Statement(f"{_CHECKPOINT} WHERE log_id = %(log_id)s AND size = %(size)s")
_COVERING = Statement(f"""
{_CHECKPOINT} WHERE log_id = %(log_id)s AND size > %(above)s AND size <= coalesce(
    (SELECT max(size) FROM (
        SELECT DISTINCT size FROM cosignature WHERE log_id = %(log_id)s AND size > %(upto)s
        ORDER BY size LIMIT 3) AS cosigned),
    (SELECT min(size) FROM checkpoint WHERE log_id = %(log_id)s AND size > %(upto)s),
    %(upto)s)
ORDER BY size
""")  # noqa: S608 - composed of constants alone

_SIGNED_AT = Statement("""
SELECT size, signed_at FROM checkpoint
WHERE log_id = %(log_id)s AND size <= %(size)s ORDER BY size
""")
_COSIGNED_AT = Statement("""
SELECT size, witness, min(signed_at) FROM cosignature
WHERE log_id = %(log_id)s GROUP BY size, witness ORDER BY size
""")

_OPENING = """
SELECT opening_id, member_id, digest, subjects, case_ref, asked_by, asked_at, released_by,
    released_at, embargo_until
FROM subject_opening WHERE opening_id = %(opening_id)s
"""
_ASK_OPENING = Statement("""
INSERT INTO subject_opening (opening_id, member_id, digest, subjects, case_ref, asked_by, asked_at,
    embargo_until)
VALUES (%(opening_id)s, %(member)s, %(digest)s, %(subjects)s::text[], %(case)s, %(asked_by)s,
    %(asked_at)s, %(embargo_until)s)
ON CONFLICT DO NOTHING
""")
_FIND_OPENING = Statement(_OPENING)
_LOCK_OPENING = Statement(f"{_OPENING} FOR UPDATE")
_RELEASE_OPENING = Statement("""
UPDATE subject_opening SET released_by = %(by)s, released_at = %(at)s
WHERE opening_id = %(opening_id)s AND released_at IS NULL
""")
_RELEASED = Statement("""
SELECT count(*), max(embargo_until) FROM subject_opening WHERE member_id = %(member)s
    AND %(subject)s = ANY(subjects) AND released_at >= %(since)s
""")
_PUT_FLAG = Statement("""
INSERT INTO flag (log_id, digest, rule, member_id, from_t, to_t, hits, leaf_hash, raised_at)
VALUES (%(log_id)s, %(digest)s, %(rule)s, %(member)s, %(start)s, %(end)s, %(hits)s::bigint[],
    %(leaf_hash)s, %(raised_at)s)
ON CONFLICT DO NOTHING
""")
_FLAG_DIGESTS = Statement("SELECT digest FROM flag WHERE log_id = %(log_id)s")
_FLAGS = Statement("""
SELECT rule, member_id, from_t, to_t, hits, leaf_hash, raised_at FROM flag
WHERE log_id = %(log_id)s AND (%(rule)s::text IS NULL OR rule = %(rule)s)
    AND (%(member)s::text IS NULL OR member_id = %(member)s)
ORDER BY raised_at, digest
""")
_FLAGGED = Statement("""
SELECT DISTINCT unnest(hits) AS hit FROM flag
WHERE log_id = %(log_id)s AND rule = %(rule)s ORDER BY hit
""")


class Audit:
    """Statements of the audit, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def find_log(self, origin: str) -> LogRef | None:
        """Find a log by its name, open or closed."""
        row = _FIND_LOG.run(self._connection, {"origin": origin}).fetchone()
        return None if row is None else LogRef(*row)

    def newest(self, log_id: int, *, since: int) -> SignedCheckpoint | None:
        """Fetch the checkpoint that is shown now: with a quorum, unless that is older."""
        row = _NEWEST.run(self._connection, {"log_id": log_id, "since": since}).fetchone()
        return None if row is None else SignedCheckpoint(*row)

    def checkpoint(self, log_id: int, size: int) -> SignedCheckpoint | None:
        """Fetch the checkpoint of a size."""
        row = _AT_SIZE.run(self._connection, {"log_id": log_id, "size": size}).fetchone()
        return None if row is None else SignedCheckpoint(*row)

    def checkpoints(self, log_id: int, *, above: int, upto: int) -> list[SignedCheckpoint]:
        """List the checkpoints of sizes in (above, upto], and the next after them."""
        asked = {"log_id": log_id, "above": above, "upto": upto}
        return [SignedCheckpoint(*row) for row in _COVERING.run(self._connection, asked)]

    def count(self, log_id: int, terms: SearchTerms, *, size: int) -> int:
        """Count the leaves below a size that match."""
        _SCANS.run(self._connection, {})
        asked = {**_parameters(terms), "log_id": log_id, "after": -1, "size": size}
        row = _COUNT.run(self._connection, asked, prepare=False).fetchone()
        return 0 if row is None else int(row[0])

    def search(
        self, log_id: int, terms: SearchTerms, *, after: int, size: int, rows: int
    ) -> list[SealedLeaf]:
        """List leaves that match, by index."""
        _SCANS.run(self._connection, {})
        asked = {**_parameters(terms), "log_id": log_id, "after": after, "size": size, "rows": rows}
        statement = _SEARCH if terms.filter.since is None else _SEARCH_FROM
        return [SealedLeaf(*row) for row in statement.run(self._connection, asked, prepare=False)]

    def leaves(self, log_id: int, *, first: int, end: int) -> list[SealedLeaf]:
        """List every leaf of a range, by index."""
        asked = {"log_id": log_id, "first": first, "end": end}
        return [SealedLeaf(*row) for row in _LEAVES.run(self._connection, asked, prepare=False)]

    def counts(self, log_id: int, *, member: str | None) -> list[tuple[str, str, str, int]]:
        """Count the leaves of members: (member, kind, outcome, count)."""
        _SCANS.run(self._connection, {})
        asked = {"log_id": log_id, "member": member}
        found = _COUNTS.run(self._connection, asked, prepare=False)
        return [(row[0], row[1], row[2], row[3]) for row in found]

    def signed_at(self, log_id: int, *, size: int) -> list[tuple[int, int]]:
        """List (size, when it was signed) of the checkpoints up to a size."""
        found = _SIGNED_AT.run(self._connection, {"log_id": log_id, "size": size})
        return [(row[0], row[1]) for row in found]

    def cosigned_at(self, log_id: int) -> list[tuple[int, str, int]]:
        """List (size, witness, when it first cosigned)."""
        found = _COSIGNED_AT.run(self._connection, {"log_id": log_id})
        return [(row[0], row[1], row[2]) for row in found]

    def flag_digests(self, log_id: int) -> frozenset[bytes]:
        """List the flags that were raised, by digest."""
        found = _FLAG_DIGESTS.run(self._connection, {"log_id": log_id})
        return frozenset(row[0] for row in found)

    def put_flag(self, log_id: int, flag: RaisedFlag, digest: bytes) -> bool:
        """Keep a flag; say whether it was new."""
        given = {**flag._asdict(), "hits": list(flag.hits), "log_id": log_id, "digest": digest}
        return _PUT_FLAG.run(self._connection, given).rowcount == 1

    def flags(self, log_id: int, *, rule: str | None, member: str | None) -> list[RaisedFlag]:
        """List flags, as they were raised."""
        asked = {"log_id": log_id, "rule": rule, "member": member}
        found = _FLAGS.run(self._connection, asked)
        return [RaisedFlag(*row)._replace(hits=tuple(row[4])) for row in found]

    def flagged(self, log_id: int, rule: str) -> list[int]:
        """List the indices that flags of a rule name as hits."""
        asked = {"log_id": log_id, "rule": rule}
        return [int(row[0]) for row in _FLAGGED.run(self._connection, asked)]

    def ask_opening(self, opening: SubjectOpening) -> tuple[SubjectOpening, bool]:
        """Store that a person's opening was asked for: (what stands under its id, stored now)."""
        given = {**opening._asdict(), "subjects": list(opening.subjects)}
        fresh = _ASK_OPENING.run(self._connection, given).rowcount == 1
        row = _FIND_OPENING.run(self._connection, given).fetchone()
        return (opening if row is None else _opening(row)), fresh

    def lock_opening(self, opening_id: UUID) -> SubjectOpening | None:
        """Find an opening, for update."""
        row = _LOCK_OPENING.run(self._connection, {"opening_id": opening_id}).fetchone()
        return None if row is None else _opening(row)

    def release_opening(self, opening_id: UUID, *, by: str, at: int) -> None:
        """Release an opening."""
        _RELEASE_OPENING.run(self._connection, {"opening_id": opening_id, "by": by, "at": at})

    def of_kind(self, log_id: int, kind: str) -> list[SealedLeaf]:
        """List every leaf of a kind that the search index names, by index."""
        asked = {"log_id": log_id, "kind": kind}
        return [SealedLeaf(*row) for row in _OF_KIND.run(self._connection, asked, prepare=False)]

    def released(self, member: str, subject: str, *, since: int) -> Released | None:
        """Find out whether this pseudonym was released to this authority since then."""
        asked = {"member": member, "subject": subject, "since": since}
        row = _RELEASED.run(self._connection, asked).fetchone()
        return Released(row[1]) if row is not None and row[0] else None


def _parameters(terms: SearchTerms) -> dict[str, object]:
    wanted = terms.filter
    return {
        "member": wanted.member,
        "subject": wanted.subject,
        "purpose": wanted.purpose,
        "outcome": wanted.outcome,
        "kind": wanted.kind,
        "operator_mac": terms.operator_mac,
        "since": wanted.since,
        "until": wanted.until,
        "hits": terms.hits,
    }


def _opening(row: TupleRow) -> SubjectOpening:
    return SubjectOpening(*row)._replace(subjects=tuple(row[3]))
