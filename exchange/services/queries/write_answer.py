"""Make what an answer leaves behind, sealed as it is stored: its leaf and the receipt's claims.

In:  the question, what the gate found, and what was decided.
Out: the rows to store, and the claims to sign once they are durable. A question answered before
     gives the claims that were stored then.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from consent.decision import Decision
from consent.purposes import NEW_CREDIT
from exchange.crypto.sealing import pad, unpad
from exchange.domain.findings import Answer
from exchange.domain.leaves import SALT_BYTES, Slot, commitment, entry, opening_aads, pad_opening
from exchange.domain.log.query_leaf import Look, QueryLeaves
from exchange.domain.merkle import line_hashes
from exchange.domain.queries import Asker, Query
from exchange.errors import QueryConflict
from exchange.services.log.leaf_ports import LeafRow, SubjectTurn
from exchange.services.log.write_leaves import opening_key
from exchange.services.ports import Ports
from exchange.services.queries.issue_receipt import SUBJECT_SALT_BYTES, Receipts
from exchange.services.queries.ports import AnswerRow, GateResult, GateRow, StoredAnswer

# Two salts of a leaf, the one of a receipt, and a nonce for each of three sealings.
_FRESH = struct.Struct(f"{SALT_BYTES}s {SALT_BYTES}s {SUBJECT_SALT_BYTES}s 12s 12s 12s")


class Asked(NamedTuple):
    """One query, and who asks it."""

    query: Query
    asker: Asker


class Passed(NamedTuple):
    """One query behind the gate, not answered before."""

    query: Query
    asker: Asker
    row: GateRow
    turn: SubjectTurn
    result: GateResult


class Told(NamedTuple):
    """What was decided about one query, and what it gets to know."""

    decision: Decision
    answer: Answer


def make_answers(
    passed: Sequence[Passed], told: Sequence[Told], ports: Ports, now: int
) -> tuple[list[AnswerRow], list[bytes]]:
    """Make the leaves and the claims of a transaction's answers, sealed as they are stored.

    Step by step for all of them: one after the other a batch would take a third longer, for the
    processor finds no step twice in its caches.
    """
    # Drawn at once: the system's generator costs the same for one answer as for many.
    fresh = list(_FRESH.iter_unpack(ports.random_bytes(_FRESH.size * len(passed))))
    leaves = _make_leaves(passed, told, fresh, now)
    receipts = {asker: Receipts(asker, ports, now) for asker in {one.asker for one in passed}}
    claims = [
        receipts[one.asker].claims(one.query, what.answer, leaf.leaf_hash, salts[2])
        for one, what, leaf, salts in zip(passed, told, leaves, fresh, strict=True)
    ]
    made = list(map(_Made, leaves, claims, fresh))
    sealed = _seal(passed, made, ports, now)
    rows = [
        _lay_out(one, what, leaf, each, ports.keyring.search_mac(one.query.application))
        for one, what, leaf, each in zip(passed, told, leaves, sealed, strict=True)
    ]
    return rows, claims


class _Leaf(NamedTuple):
    """A leaf, and what its openings hold."""

    leaf_hash: bytes
    entry: bytes
    said: bytes
    audit: bytes


class _Made(NamedTuple):
    """What one answer leaves behind, not yet sealed."""

    leaf: _Leaf
    claims: bytes
    fresh: tuple[bytes, ...]  # as `_FRESH` has it


def _make_leaves(
    passed: Sequence[Passed], told: Sequence[Told], fresh: Sequence[tuple[bytes, ...]], now: int
) -> list[_Leaf]:
    forms = {asker: QueryLeaves(asker, now) for asker in {one.asker for one in passed}}
    looks = [
        Look(
            one.row.subject.subject,
            one.turn.seq,
            what.answer.outcome.value,
            what.decision.reason.value,
            what.decision.policy,
        )
        for one, what in zip(passed, told, strict=True)
    ]
    payloads = [
        forms[one.asker].payloads(one.query, look) for one, look in zip(passed, looks, strict=True)
    ]
    lines = [
        entry(commitment(Slot.SUBJECT, salts[0], said), commitment(Slot.AUDIT, salts[1], audit))
        for (said, audit), salts in zip(payloads, fresh, strict=True)
    ]
    return [
        _Leaf(leaf, line, *both)
        for leaf, line, both in zip(line_hashes(lines), lines, payloads, strict=True)
    ]


def _seal(
    passed: Sequence[Passed], made: Sequence[_Made], ports: Ports, now: int
) -> list[tuple[bytes, bytes, bytes]]:
    """Seal both openings and the claims of each answer under its subject's key."""
    origin = ports.origin(now)
    keys = [
        opening_key(one.row.subject.key_id, one.turn.kek_id, one.turn.wrapped, ports)
        for one in passed
    ]
    places = [
        (*opening_aads(origin, leaf.leaf_hash, one.row.subject.key_id), _claims_aad(leaf.leaf_hash))
        for one, (leaf, _, _) in zip(passed, made, strict=True)
    ]
    plain = [
        (pad_opening(fresh[0], leaf.said), pad_opening(fresh[1], leaf.audit), pad(claims))
        for leaf, claims, fresh in made
    ]
    return [
        (
            key.seal_under(fresh[3], said, place[0]),
            key.seal_under(fresh[4], audit, place[1]),
            key.seal_under(fresh[5], claims, place[2]),
        )
        for key, (_, _, fresh), (said, audit, claims), place in zip(
            keys, made, plain, places, strict=True
        )
    ]


def _lay_out(
    one: Passed, what: Told, leaf: _Leaf, sealed: tuple[bytes, bytes, bytes], application_mac: bytes
) -> AnswerRow:
    query, row = one.query, one.row
    stored = LeafRow(
        leaf.leaf_hash,
        leaf.entry,
        row.subject.key_id,
        *sealed[:2],
        "query",
        one.asker.member,
        row.subject.subject,
        query.purpose.value,
        what.answer.outcome.value,
        row.operator_mac,
        application_mac,
    )
    counts = what.decision.permitted and query.purpose in NEW_CREDIT
    return AnswerRow(query.query_id, query.digest, stored, sealed[2], row.indices if counts else ())


def stored_claims(digest: bytes, stored: StoredAnswer, ports: Ports) -> bytes:
    """Open the claims given before under the same query id.

    Raises:
        QueryConflict: the stored question was another one.
        IntegrityError: the stored claims do not open.
    """
    if stored.digest != digest:
        raise QueryConflict("the query id was used before for another question", field="query_id")
    key = opening_key(stored.key_id, stored.kek_id, stored.wrapped, ports)
    return unpad(key.open(stored.sealed, _claims_aad(stored.leaf_hash)))


def _claims_aad(leaf_hash: bytes) -> bytes:
    return b"answer|1|" + leaf_hash
