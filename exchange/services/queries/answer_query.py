"""Answer authenticated queries, and log each first.

In:  queries of one member: of one request or of several that came at the same time.
Out: one signed receipt each, in order. Refusals are receipts as well.
Order: gate and look-up, decision, cut, leaf and claims, commit; receipts are signed after it.
Not here: HTTP, SQL, the law, the formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from consent.decision import Decision, Gate, Request, decide, gate
from consent.profiles import Profile
from consent.purposes import Account, Act
from consent.reciprocity import Earned
from exchange.domain.findings import Answer, HeldRecord, Question, Velocity, cut, withheld
from exchange.domain.queries import Asker, Query, TokenKind
from exchange.errors import (
    AbsentError,
    IntegrityError,
    QueryConflict,
)
from exchange.services.log.leaf_ports import SubjectAsk, SubjectTurn
from exchange.services.log.write_leaves import subject_asks
from exchange.services.ports import Ports
from exchange.services.queries.check_gate import check_gate
from exchange.services.queries.enter_artefact import enter_artefact
from exchange.services.queries.issue_receipt import sign_receipt
from exchange.services.queries.open_records import open_record, open_statement
from exchange.services.queries.ports import After, GateAsk, GateResult, GateRow
from exchange.services.queries.write_answer import Asked, Passed, Told, make_answers, stored_claims


class Answered(Struct, frozen=True, kw_only=True, gc=False):
    """The receipts of one request, in the order of its queries."""

    receipts: tuple[str, ...]
    replayed: bool  # every one of them was given before


class Written(NamedTuple):
    """The claims of one receipt, durable and not yet signed."""

    claims: bytes
    replayed: bool  # the answer was given before


def answer_queries(queries: Sequence[Query], asker: Asker, ports: Ports) -> Answered:
    """Answer the queries of one request, all or none; raises what `write_answers` raises."""
    return sign_answers(write_answers([Asked(query, asker) for query in queries], ports), ports)


def sign_answers(written: Sequence[Written], ports: Ports) -> Answered:
    """Sign what was written."""
    receipts = tuple(sign_receipt(one.claims, ports) for one in written)
    return Answered(receipts=receipts, replayed=all(one.replayed for one in written))


def write_answers(asked: Sequence[Asked], ports: Ports) -> list[Written]:
    """Answer queries of one member and write that down, all or none.

    A refusal is a result and not an error: raising would undo its leaf.

    Args:
        asked: no subject, grant or query id stands twice among several, and none of several brings
            an artefact.

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
        return _write_once(asked, ports)
    except QueryConflict:
        # Somebody stored one of these ids while we looked: what is stored now decides. A second
        # conflict is a real one.
        return _write_once(asked, ports)


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


def _write_once(asked: Sequence[Asked], ports: Ports) -> list[Written]:
    now = ports.now()
    log_id = ports.log_id(now)
    with ports.begin() as work:  # Leaving without commit() undoes everything.
        asked = [Asked(enter_artefact(*one, work, ports), one.asker) for one in asked]
        judged = _Judged(ports.terms.profile)
        rows = _gate_rows(asked, judged, ports, now)
        askers = tuple(dict.fromkeys(one.asker for one in asked))
        ask = GateAsk(log_id, _afters(asked), ports.terms.queries)
        found = work.queries.pass_gate(askers, rows, ask, now=now)
        check_gate(found, ports, now)
        passed = [
            Passed(*one, row, _counted(result), result)
            for one, row, result in zip(asked, rows, found.results, strict=True)
            if not result.stored
        ]
        told = _tell(passed, judged, _Turn(ports, now, found.contributors, found.earned))
        answers, claims = make_answers(passed, told, ports, now)
        written = _in_order(asked, found.results, claims, ports)
        # The leaf is durable before the answer leaves.
        if answers:
            work.queries.commit_answers(askers[0].member, answers, ask, now=now)
        else:
            work.commit()
    return written


def _counted(result: GateResult) -> SubjectTurn:
    if result.turn is None:
        raise IntegrityError("the gate counted no look")
    return result.turn


def _in_order(
    asked: Sequence[Asked], results: Sequence[GateResult], claims: Sequence[bytes], ports: Ports
) -> list[Written]:
    """Put the claims given before where their queries stand, among the new ones."""
    new = iter(claims)
    return [
        Written(stored_claims(one.query.digest, result.stored, ports), replayed=True)
        if result.stored
        else Written(next(new), replayed=False)
        for one, result in zip(asked, results, strict=True)
    ]


def _afters(asked: Sequence[Asked]) -> tuple[After, ...]:
    """Return the checkpoints that the queries name, each once."""
    named = (After(one.query.after_size, one.query.after_root) for one in asked)
    return tuple({after for after in named if after.size})


class _Turn(NamedTuple):
    """What each answer of one transaction is given under."""

    ports: Ports
    now: int  # unix seconds
    contributors: int  # other active members that contribute
    earned: Earned  # how deep the asker's own contribution lets answers go


class _Judged:
    """What the law asks of each query: the queries of one transaction are of few kinds."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._gates: dict[object, Gate] = {}
        self._requests: dict[object, Request] = {}

    def gate(self, query: Query, asker: Asker) -> Gate:
        """Return the parameters of the gate."""
        kind = _kind(query, asker)
        opened = self._gates.get(kind)
        if opened is None:
            opened = self._gates[kind] = gate(_request(query, asker), self._profile)
        return opened

    def request(self, query: Query, asker: Asker, earned: Earned) -> Request:
        """Return the request, as far as the asker's own contribution lets it go."""
        kind = _kind(query, asker)
        asked = self._requests.get(kind)
        if asked is None:
            asked = self._requests[kind] = _earning(_request(query, asker), earned)
        return asked


def _kind(query: Query, asker: Asker) -> object:
    """Return all that `_request` reads."""
    refused = query.refused.reason if query.refused else None
    return query.purpose, query.grant_id is None, query.detail, refused, asker.member, asker.roles


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


def _gate_rows(asked: Sequence[Asked], judged: _Judged, ports: Ports, now: int) -> list[GateRow]:
    keyring = ports.keyring
    # Identity tokens stand first; the first of them names the subject.
    indices = [
        tuple(keyring.index_each(query.epoch, [token.value for token in query.tokens]))
        for query, _ in asked
    ]
    asks = subject_asks([keyring.pseudonym(each[0]) for each in indices], ports, now)
    return [
        _gate_row(one, judged.gate(*one), each, ask, keyring.search_mac(one.query.operator))
        for one, each, ask in zip(asked, indices, asks, strict=True)
    ]


def _gate_row(
    asked: Asked, opened: Gate, indices: tuple[bytes, ...], subject: SubjectAsk, operator_mac: bytes
) -> GateRow:
    query = asked.query
    return GateRow(
        query.query_id,
        query.grant_id,
        indices,
        len(indices) - (query.tokens[-1].kind is TokenKind.CONTACT),
        query.purpose,
        opened.open,
        opened.level,
        opened.account is not Account.NONE,
        opened.account is Account.OVERDUE,
        subject,
        operator_mac,
    )


def _tell(passed: Sequence[Passed], judged: _Judged, turn: _Turn) -> list[Told]:
    """Decide about each query, and cut what it may know; step by step for all of them."""
    profile = turn.ports.terms.profile
    decisions = [
        decide(
            judged.request(one.query, one.asker, turn.earned), one.result.grant, profile, turn.now
        )
        for one in passed
    ]
    for one, decision in zip(passed, decisions, strict=True):
        if decision.permitted != one.result.spent:
            raise IntegrityError("the gate and the law disagree about a grant")
    held = [[open_record(record, turn.ports) for record in one.result.records] for one in passed]
    return [
        Told(decision, _answer(one, decision, records, turn))
        for one, decision, records in zip(passed, decisions, held, strict=True)
    ]


def _answer(passed: Passed, decision: Decision, held: list[HeldRecord], turn: _Turn) -> Answer:
    if not decision.permitted:
        return withheld(decision.reason)
    said = passed.result.statement
    question = Question(
        passed.asker.member,
        decision,
        Velocity(*passed.result.velocity),
        turn.contributors,
        turn.now,
        open_statement(said, turn.ports) if said else None,
        said.record_id if said else None,
    )
    return cut(held, question, turn.ports.terms.profile)
