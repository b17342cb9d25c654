"""Make what an answer leaves behind, sealed as it is stored: its leaf and the receipt's claims.

In:  the question, what the gate found, and what was decided.
Out: the rows to store, and the claims to sign once they are durable. A question answered before
     gives the claims that were stored then.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from consent.decision import Decision
from exchange.crypto.sealing import pad, unpad
from exchange.domain.findings import Answer
from exchange.domain.ids import show
from exchange.domain.leaves import JsonValue
from exchange.domain.queries import Asker, Query
from exchange.errors import IntegrityError, QueryConflict
from exchange.services.log.write_leaves import (
    LeafDraft,
    make_leaf,
    opening_key,
    seal_leaf,
    standard_base64,
)
from exchange.services.ports import Ports
from exchange.services.queries.issue_receipt import receipt_claims
from exchange.services.queries.ports import AnswerRow, GateResult, GateRow, StoredAnswer

_VELOCITY = frozenset({"credit_application", "guarantor_check"})


class Turn(Struct, frozen=True, kw_only=True, gc=False):
    """The fixed circumstances of one transaction, passed along its steps."""

    ports: Ports
    now: int  # unix seconds
    contributors: int  # other active members that contribute


class Asked(NamedTuple):
    """One query, and who asks it."""

    query: Query
    asker: Asker


def write_answer(
    asked: Asked,
    row: GateRow,
    result: GateResult,
    outcome: tuple[Decision, Answer],
    turn: Turn,
) -> tuple[AnswerRow, bytes]:
    """Make the leaf and the claims of one answer, sealed as they are stored."""
    decision, answer = outcome
    query = asked.query
    if result.turn is None:
        raise IntegrityError("the gate counted no look")
    draft = _draft(asked, row, decision, answer)
    leaf = make_leaf(draft, result.turn, turn.ports, turn.now)
    key = opening_key(row.subject.key_id, result.turn.kek_id, result.turn.wrapped, turn.ports)
    claims = receipt_claims(query, answer, leaf.leaf_hash, asked.asker, turn.ports, turn.now)
    counts = decision.permitted and query.purpose in _VELOCITY
    stored = AnswerRow(
        query_id=query.query_id,
        digest=query.digest,
        leaf=seal_leaf(draft, leaf, key, turn.ports, turn.now),
        sealed_claims=key.seal(pad(claims), _claims_aad(leaf.leaf_hash)),
        inquiry_indices=row.indices if counts else (),
    )
    return stored, claims


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


def _draft(asked: Asked, row: GateRow, decision: Decision, answer: Answer) -> LeafDraft:
    query, asker = asked
    audit: dict[str, JsonValue] = {
        "query": show("qry", query.query_id),
        "request_sha256": standard_base64(query.digest),
        "key": f"{asker.member}/{asker.key}",
        "operator": query.operator,
        "application": query.application,
        "reason": decision.reason.value,
        "policy": decision.policy,
    }
    if query.after_size:
        audit["after"] = {"size": query.after_size, "root": query.after_root}
    if query.refused:
        audit["artefact_sha256"] = standard_base64(query.refused.sha256)
        audit["step"] = query.refused.step.value
    if query.grant_id:
        audit["grant"] = show("gnt", query.grant_id)
    return LeafDraft(
        kind="query",
        member=asker.member,
        subject=row.subject.subject,
        subject_slot={"purpose": query.purpose.value, "outcome": answer.outcome.value},
        audit_slot=audit,
        purpose=query.purpose.value,
        outcome=answer.outcome.value,
        operator=query.operator,
        application=query.application,
    )


def _claims_aad(leaf_hash: bytes) -> bytes:
    return b"answer|1|" + leaf_hash
