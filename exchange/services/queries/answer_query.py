"""Answer authenticated queries, and log each first.

In:  one query, or up to 1,000 of one asker under one signature.
Out: one signed receipt each, in order. Refusals are receipts as well.
Order: gate and look-up, decision, cut, leaf and claims, commit; receipts are signed after it.
Not here: HTTP, SQL, the law, the formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from consent.decision import Decision, Request, decide, gate
from consent.purposes import Account, Act
from consent.reciprocity import Earned
from exchange.crypto.sealing import pad, unpad
from exchange.domain.findings import Answer, Question, Velocity, cut, withheld
from exchange.domain.ids import show
from exchange.domain.leaves import JsonValue
from exchange.domain.queries import Asker, Query, TokenKind
from exchange.errors import (
    AbsentError,
    IntegrityError,
    QueryConflict,
)
from exchange.services.log.write_leaves import (
    LeafDraft,
    make_leaf,
    opening_key,
    seal_leaf,
    standard_base64,
    subject_ask,
)
from exchange.services.ports import (
    After,
    AnswerRow,
    GateAsk,
    GateResult,
    GateRow,
    Ports,
    StoredAnswer,
)
from exchange.services.queries.check_gate import check_gate
from exchange.services.queries.enter_artefact import enter_artefact
from exchange.services.queries.issue_receipt import receipt_claims, sign_receipt
from exchange.services.queries.open_records import open_record, open_statement

_VELOCITY = frozenset({"credit_application", "guarantor_check"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The receipts of one request, in the order of its queries."""

    receipts: tuple[str, ...]
    replayed: bool  # every one of them was given before


def answer_queries(queries: Sequence[Query], asker: Asker, ports: Ports) -> Answered:
    """Answer queries of one asker, all or none.

    A refusal is a result and not an error: raising would undo its leaf.

    Raises:
        QueryConflict: a query id was used before with another digest.
        InvalidGrant, GrantConflict, GrantTransition: of an artefact sent along; see
            enter_artefact.py.
        ReplayedRequest: the nonce was used before.
        SignatureError: the key was revoked, or the member suspended, a moment ago.
        QuotaError: queries of this operator, subject or member are used up.
        LogLate: the log is not sequenced up to now; no evidence, no answers.
        LogDisagrees: the checkpoint named in `after` is not one of this log's.
        ClosedEpoch: the epoch named is not open.
        IntegrityError: something stored does not open; no answer is given.
    """
    try:
        return _answer_once(queries, asker, ports)
    except QueryConflict:
        # Somebody stored one of these ids while we looked: what is stored now decides. A second
        # conflict is a real one.
        return _answer_once(queries, asker, ports)


def stored_receipt(query_id: UUID, member: str, ports: Ports) -> Answered:
    """Show the receipt given before under a query id of this member.

    Raises:
        AbsentError: there is none, or it is another member's.
    """
    with ports.begin() as work:
        stored = work.queries.stored_answer(member, query_id)
    if stored is None:
        raise AbsentError
    claims = stored_claims(stored.digest, stored, ports)
    return Answered(receipts=(sign_receipt(claims, ports),), replayed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """One request's fixed circumstances, passed along its steps."""

    asker: Asker
    ports: Ports
    now: int  # unix seconds
    contributors: int  # other active members that contribute


def _answer_once(queries: Sequence[Query], asker: Asker, ports: Ports) -> Answered:
    now = ports.now()
    log_id = ports.log_id(now)
    with ports.begin() as work:  # Leaving without commit() undoes everything.
        queries = [enter_artefact(query, asker, work, ports) for query in queries]
        requests = [_request(query, asker) for query in queries]
        rows = [
            _gate_row(query, request, ports, now)
            for query, request in zip(queries, requests, strict=True)
        ]
        ask = GateAsk(log_id, _after(queries), ports.terms.queries)
        passed = work.queries.pass_gate(asker, rows, ask, now=now)
        check_gate(passed, ports, now)
        turn = _Turn(asker=asker, ports=ports, now=now, contributors=passed.contributors)
        claims: list[bytes] = []
        fresh: list[AnswerRow] = []
        for query, request, row, result in zip(
            queries, requests, rows, passed.results, strict=True
        ):
            if result.stored:
                claims.append(stored_claims(query.digest, result.stored, ports))
                continue
            request = _earning(request, passed.earned)
            decision = decide(request, result.grant, ports.terms.profile, now)
            answer = _answer(query, decision, result, turn)
            answer_row, text = _write(query, row, result, (decision, answer), turn)
            claims.append(text)
            fresh.append(answer_row)
        # The leaf is durable before the answer leaves.
        if fresh:
            work.queries.commit_answers(asker.member, fresh, log_id=log_id, now=now)
        else:
            work.commit()
    receipts = tuple(sign_receipt(each, ports) for each in claims)
    return Answered(receipts=receipts, replayed=not fresh)


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


def _after(queries: Sequence[Query]) -> After:
    """Return the largest checkpoint that the queries name."""
    newest = max(queries, key=lambda query: query.after_size)
    return After(newest.after_size, newest.after_root)


def _request(query: Query, asker: Asker) -> Request:
    return Request(
        purpose=query.purpose,
        act=Act.LOOK,
        member=asker.member,
        parties=asker.roles,
        grant_named=query.grant_id is not None,
        detail=query.detail,
        refused=query.refused.reason if query.refused else None,
    )


def _earning(request: Request, earned: Earned) -> Request:
    if earned is Earned.ALL:
        return request
    return replace(request, earned=earned, reciprocal=earned is not Earned.NOTHING)


def _gate_row(query: Query, request: Request, ports: Ports, now: int) -> GateRow:
    opened = gate(request, ports.terms.profile)
    # Identity tokens stand first; the first of them names the subject.
    indices = tuple(ports.keyring.index(query.epoch, token.value) for token in query.tokens)
    return GateRow(
        query_id=query.query_id,
        grant_id=query.grant_id,
        indices=indices,
        identities=sum(token.kind is TokenKind.IDENTITY for token in query.tokens),
        purpose=query.purpose,
        open=opened.open,
        level=opened.level,
        needs_account=opened.account is not Account.NONE,
        needs_overdue=opened.account is Account.OVERDUE,
        subject=subject_ask(ports.keyring.pseudonym(indices[0]), ports, now),
        operator_mac=ports.keyring.search_mac(query.operator),
    )


def _answer(query: Query, decision: Decision, result: GateResult, turn: _Turn) -> Answer:
    if decision.permitted != result.spent:
        raise IntegrityError("the gate and the law disagree about a grant")
    if not decision.permitted:
        return withheld(decision.reason)
    held = [open_record(record, turn.ports) for record in result.records]
    said = result.statement
    question = Question(
        asker=turn.asker.member,
        decision=decision,
        velocity=Velocity(*result.velocity),
        contributors=turn.contributors,
        now=turn.now,
        statement=open_statement(said, turn.ports) if said else None,
        statement_of=said.record_id if said else None,
    )
    return cut(held, question, turn.ports.terms.profile)


def _write(
    query: Query,
    row: GateRow,
    result: GateResult,
    outcome: tuple[Decision, Answer],
    turn: _Turn,
) -> tuple[AnswerRow, bytes]:
    """Make the leaf and the claims of one answer, sealed as they are stored."""
    decision, answer = outcome
    if result.turn is None:
        raise IntegrityError("the gate counted no look")
    draft = _draft(query, row, decision, answer, turn)
    leaf = make_leaf(draft, result.turn, turn.ports, turn.now)
    key = opening_key(row.subject.key_id, result.turn.kek_id, result.turn.wrapped, turn.ports)
    claims = receipt_claims(query, answer, leaf.leaf_hash, turn.asker, turn.ports, turn.now)
    counts = decision.permitted and query.purpose in _VELOCITY
    stored = AnswerRow(
        query_id=query.query_id,
        digest=query.digest,
        leaf=seal_leaf(draft, leaf, key, turn.ports, turn.now),
        sealed_claims=key.seal(pad(claims), _claims_aad(leaf.leaf_hash)),
        inquiry_indices=row.indices if counts else (),
    )
    return stored, claims


def _draft(
    query: Query, row: GateRow, decision: Decision, answer: Answer, turn: _Turn
) -> LeafDraft:
    audit: dict[str, JsonValue] = {
        "query": show("qry", query.query_id),
        "request_sha256": standard_base64(query.digest),
        "key": f"{turn.asker.member}/{turn.asker.key}",
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
        member=turn.asker.member,
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
