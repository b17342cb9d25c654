"""Ask about subjects: tokens, question, verified receipt, typed answer.

Order: normalised identifiers -> tokens (proof verified) -> question under a query id made here ->
receipt verified against the pins and bound to the very bytes that asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, Required, TypedDict

from exchange_client.answers import Answer, answer_of
from exchange_client.batches.rows import subject_of, token_list
from exchange_client.core.calls import JSON_TYPE, NDJSON_TYPE, Call, Flow, Reply
from exchange_client.core.encoding import JSON, dumps, loads_object
from exchange_client.core.ids import check_id, new_id
from exchange_client.core.setup import Desk
from exchange_client.core.tokens import evaluate
from exchange_client.errors import Refused, UnverifiedResponse, UsageError
from exchange_client.identifiers import Identifier, check_age
from exchange_client.log.gossip import Named
from exchange_client.receipts import Expected, open_receipt

QUERIES_MAX: Final = 1000  # of one batch, under one signature
QUERY_CONFLICT: Final = "query.conflict"
Detail = Literal["bands", "flag"]


class Asking(TypedDict, total=False):
    """How a question is asked; only the purpose is always needed."""

    purpose: Required[str]
    grant: str | None  # id of the grant it relies on
    operator: str  # the member's own pseudonym of the person or program that asks
    application_ref: str  # the member's own pseudonym of the application
    detail: Detail
    query_id: str  # made by the caller and stored before it asks; by default a new one


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One subject, one purpose, one grant."""

    identifiers: tuple[Identifier, ...] = field(repr=False)  # primary first, contact last
    purpose: str
    grant: str | None = None
    operator: str = ""  # "": the client's own
    application_ref: str = ""  # "": the query id
    detail: Detail = "bands"
    query_id: str = field(default_factory=lambda: new_id("qry"))

    def __post_init__(self) -> None:
        object.__setattr__(self, "identifiers", subject_of(self.identifiers))
        check_id("qry", self.query_id)
        if self.grant is not None:
            check_id("gnt", self.grant)

    def body(
        self, desk: Desk, epoch: str, tokens: dict[Identifier, bytes], after: Named = None
    ) -> bytes:
        """Write the exact bytes that ask; the receipt is bound to them.

        Args:
            after: the checkpoint that the question names.
        """
        question: dict[str, object] = {
            "query_id": self.query_id,
            "epoch": epoch,
            "tokens": token_list(self.identifiers, tokens),
            "purpose": self.purpose,
            "operator": self.operator or desk.operator,
            "application_ref": self.application_ref or self.query_id,
            "detail": self.detail,
        }
        if self.grant is not None:
            question["grant_id"] = self.grant
        if after is not None:
            question["after"] = after
        return dumps(question)


def ask(desk: Desk, question: Question) -> Flow[Answer]:
    """Ask one question.

    Raises:
        ReceiptInvalid: what came back does not prove that this question was answered.
        LogDisowned: the exchange denies the checkpoint that the question named.
    """
    _check_ages(desk, [question])
    epoch = desk.pins.current_epoch
    tokens = yield from evaluate(question.identifiers, epoch)
    body = question.body(desk, epoch.epoch, tokens, _after(desk, question))
    try:
        reply = yield Call(
            method="POST", path="/v1/queries", body=lambda: body, content_type=JSON_TYPE
        )
    except Refused as refused:
        desk.gossip.check(refused)
        if refused.code != QUERY_CONFLICT:
            raise
        return (yield from _asked_before(desk, question, epoch.epoch, tokens, refused))
    return _accept(desk, question, body, tokens, reply.json())


def ask_many(desk: Desk, questions: Sequence[Question]) -> Flow[list[Answer]]:
    """Ask many questions, up to 1,000 under one signature, and answer in their order.

    Raises:
        UsageError: a subject or a grant stands twice.
        ReceiptInvalid: a receipt does not prove that its question was answered.
        LogDisowned: the exchange denies the checkpoint that the questions named.
    """
    _check_ages(desk, questions)
    _check_distinct(questions)
    epoch = desk.pins.current_epoch
    named = [one for question in questions for one in question.identifiers]
    tokens = yield from evaluate(named, epoch)
    answers: list[Answer] = []
    for start in range(0, len(questions), QUERIES_MAX):
        part = questions[start : start + QUERIES_MAX]
        lines = [one.body(desk, epoch.epoch, tokens, _after(desk, one)) for one in part]
        body = b"".join(line + b"\n" for line in lines)
        try:
            reply = yield _batch(body)
        except Refused as refused:
            desk.gossip.check(refused)
            raise
        for question, line, answered in zip(part, lines, _lines(reply, len(part)), strict=True):
            answers.append(_accept(desk, question, line, tokens, answered))
    return answers


def find(desk: Desk, query_id: str) -> Flow[Answer]:
    """Fetch the answer that a query id was given before.

    The question is not at hand, so its receipt is bound to the id and the member alone.
    """
    path = f"/v1/queries/{check_id('qry', query_id)}"
    reply = yield Call(method="GET", path=path)
    expected = Expected(member=desk.member, query_id=query_id)
    return answer_of(open_receipt(_receipt_text(reply.json()), desk.pins, expected, now=desk.now()))


def _after(desk: Desk, question: Question) -> Named:
    return desk.gossip.name(question.query_id, datetime.fromtimestamp(desk.now(), UTC).year)


def _asked_before(
    desk: Desk,
    question: Question,
    epoch: str,
    tokens: dict[Identifier, bytes],
    refused: Refused,
) -> Flow[Answer]:
    """Fetch what an earlier run was answered, which named another checkpoint in the same question.

    Raises:
        Refused: the conflict, where the earlier question differs in anything else.
    """
    reply = yield Call(method="GET", path=f"/v1/queries/{question.query_id}")
    answered = reply.json()
    expected = Expected(member=desk.member, query_id=question.query_id)
    receipt = open_receipt(_receipt_text(answered), desk.pins, expected, now=desk.now())
    for after in desk.gossip.candidates():
        body = question.body(desk, epoch, tokens, after)
        if hashlib.sha256(body).digest() == receipt.claims.req:
            return _accept(desk, question, body, tokens, answered)
    raise refused


def _accept(
    desk: Desk,
    question: Question,
    body: bytes,
    tokens: dict[Identifier, bytes],
    answered: dict[str, JSON],
) -> Answer:
    expected = Expected(
        member=desk.member,
        query_id=question.query_id,
        request_digest=hashlib.sha256(body).digest(),
        token=tokens[question.identifiers[0]],
        purpose=question.purpose,
        grant=question.grant,
    )
    return answer_of(open_receipt(_receipt_text(answered), desk.pins, expected, now=desk.now()))


def _receipt_text(answered: dict[str, JSON]) -> str:
    text = answered.get("receipt")
    if not isinstance(text, str) or set(answered) != {"receipt"}:
        raise UnverifiedResponse("the response holds no receipt")
    return text


def _batch(body: bytes) -> Call:
    return Call(
        method="POST", path="/v1/query-batches", body=lambda: body, content_type=NDJSON_TYPE
    )


def _lines(reply: Reply, count: int) -> list[dict[str, JSON]]:
    lines = reply.body.split(b"\n")
    if lines[-1] or len(lines) != count + 1:
        raise UnverifiedResponse(f"{count} questions were asked, {len(lines) - 1} lines came back")
    try:
        return [loads_object(line) for line in lines[:-1]]
    except ValueError as error:
        raise UnverifiedResponse(f"a line is no JSON object: {error}") from error


def _check_distinct(questions: Sequence[Question]) -> None:
    named: dict[str, list[object]] = {
        "query id": [question.query_id for question in questions],
        "subject": [question.identifiers[0] for question in questions],
        "grant": [question.grant or question.query_id for question in questions],
    }
    for what, values in named.items():
        if len(set(values)) != len(values):
            raise UsageError(f"a batch may not name the same {what} twice")


def _check_ages(desk: Desk, questions: Sequence[Question]) -> None:
    today = datetime.fromtimestamp(desk.now(), UTC).date()
    for question in questions:
        for one in question.identifiers:
            check_age(one, today)
