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
from exchange.domain.findings import Answer, Question, Velocity, cut, withheld
from exchange.domain.queries import Asker, Query, TokenKind
from exchange.errors import (
    AbsentError,
    IntegrityError,
    QueryConflict,
)
from exchange.services.log.write_leaves import (
    subject_ask,
)
from exchange.services.ports import Ports
from exchange.services.queries.check_gate import check_gate
from exchange.services.queries.enter_artefact import enter_artefact
from exchange.services.queries.issue_receipt import sign_receipt
from exchange.services.queries.open_records import open_record, open_statement
from exchange.services.queries.ports import After, AnswerRow, GateAsk, GateResult, GateRow
from exchange.services.queries.write_answer import Asked, Turn, stored_claims, write_answer


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
        rows = [_gate_row(one.query, judged.gate(*one), ports, now) for one in asked]
        askers = tuple(dict.fromkeys(one.asker for one in asked))
        ask = GateAsk(log_id, _afters(asked), ports.terms.queries)
        passed = work.queries.pass_gate(askers, rows, ask, now=now)
        check_gate(passed, ports, now)
        turn = Turn(ports=ports, now=now, contributors=passed.contributors)
        written: list[Written] = []
        fresh: list[AnswerRow] = []
        for one, row, result in zip(asked, rows, passed.results, strict=True):
            if result.stored:
                claims = stored_claims(one.query.digest, result.stored, ports)
                written.append(Written(claims, replayed=True))
                continue
            request = judged.request(*one, passed.earned)
            decision = decide(request, result.grant, ports.terms.profile, now)
            answer = _answer(one, decision, result, turn)
            answer_row, claims = write_answer(one, row, result, (decision, answer), turn)
            written.append(Written(claims, replayed=False))
            fresh.append(answer_row)
        # The leaf is durable before the answer leaves.
        if fresh:
            work.queries.commit_answers(askers[0].member, fresh, ask, now=now)
        else:
            work.commit()
    return written


def _afters(asked: Sequence[Asked]) -> tuple[After, ...]:
    """Return the checkpoints that the queries name, each once."""
    named = (After(one.query.after_size, one.query.after_root) for one in asked)
    return tuple({after for after in named if after.size})


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


def _gate_row(query: Query, opened: Gate, ports: Ports, now: int) -> GateRow:
    # Identity tokens stand first; the first of them names the subject.
    indices = tuple(ports.keyring.index_each(query.epoch, [token.value for token in query.tokens]))
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


def _answer(asked: Asked, decision: Decision, result: GateResult, turn: Turn) -> Answer:
    if decision.permitted != result.spent:
        raise IntegrityError("the gate and the law disagree about a grant")
    if not decision.permitted:
        return withheld(decision.reason)
    held = [open_record(record, turn.ports) for record in result.records]
    said = result.statement
    question = Question(
        asker=asked.asker.member,
        decision=decision,
        velocity=Velocity(*result.velocity),
        contributors=turn.contributors,
        now=turn.now,
        statement=open_statement(said, turn.ports) if said else None,
        statement_of=said.record_id if said else None,
    )
    return cut(held, question, turn.ports.terms.profile)
