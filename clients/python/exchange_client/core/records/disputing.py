"""Disputes about one's own records: open for a borrower, list, answer with a correction, close.

An answer MODIFIED carries its amended row, so that the correction and the answer are one act.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import urlencode

from exchange_client.batches.rows import Row, draft, jsonable
from exchange_client.core.calls import Flow, get, post_json
from exchange_client.core.encoding import JSON
from exchange_client.core.ids import check_id, new_id
from exchange_client.core.setup import Desk
from exchange_client.core.tokens import evaluate
from exchange_client.errors import UnverifiedResponse, UsageError

DisputeResult: TypeAlias = Literal["ACCURATE", "MODIFIED", "DELETED_ERROR", "DELETED_FRAUD"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeStep:
    """One step of a dispute, with what was said in it."""

    event: str
    actor: str  # SUBJECT, OPERATOR, EXCHANGE, or a member's id
    result: str | None
    at: int  # unix seconds
    text: str = field(repr=False)  # a borrower's words do not belong into logs
    leaf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A dispute about one of the member's own records."""

    dispute_id: str
    account_ref: str
    cause: str
    state: str  # OPEN, ANSWERED, CLOSED or WITHDRAWN
    result: str | None
    opened_by: str
    opened_at: int  # unix seconds
    due_on: str  # last day to answer
    overdue: bool
    days_late: int
    reopened: int  # how often
    history: tuple[DisputeStep, ...]  # empty in lists
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeOpening:
    """What one's own borrower disputes; the same opening again is the same dispute."""

    account_ref: str
    cause: str
    text: str = field(repr=False)
    dispute_id: str = field(default_factory=lambda: new_id("dsp"))

    def __post_init__(self) -> None:
        check_id("dsp", self.dispute_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeAnswer:
    """What the member found. MODIFIED, and nothing else, comes with its amended row."""

    result: DisputeResult
    text: str = field(repr=False)
    row: Row | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.result == "MODIFIED") is not (self.row is not None):
            raise UsageError("MODIFIED comes with its amended row, nothing else does")


def open_dispute(opening: DisputeOpening) -> Flow[Dispute]:
    """Open a dispute for a borrower of one's own."""
    body: dict[str, object] = {
        "dispute_id": opening.dispute_id,
        "account_ref": opening.account_ref,
        "cause": opening.cause,
        "text": opening.text,
    }
    reply = yield post_json("/v1/disputes", body)
    return _dispute(reply.json(), replayed=reply.replayed)


def list_disputes(*, state: str | None = None, overdue: bool = False) -> Flow[list[Dispute]]:
    """List disputes about one's own records, every page of them."""
    filters = {"state": state, "overdue": "true" if overdue else None}
    wanted = {name: value for name, value in filters.items() if value is not None}
    found: list[Dispute] = []
    cursor: str | None = None
    while True:
        query = urlencode(wanted if cursor is None else {**wanted, "cursor": cursor})
        reply = yield get(f"/v1/disputes?{query}" if query else "/v1/disputes")
        page = reply.json()
        rows, following = page.get("disputes"), page.get("next")
        if not isinstance(rows, list) or not isinstance(following, str | None):
            raise UnverifiedResponse("the list of disputes is not in its form")
        found += [_dispute(row) for row in rows]
        if following is None:
            return found
        cursor = following


def show_dispute(dispute_id: str) -> Flow[Dispute]:
    """Fetch one dispute with everything that was said in it."""
    reply = yield get(f"/v1/disputes/{check_id('dsp', dispute_id)}")
    return _dispute(reply.json())


def answer_dispute(desk: Desk, dispute_id: str, answer: DisputeAnswer) -> Flow[Dispute]:
    """Answer a dispute, its correction in the same call.

    Raises:
        Refused: the dispute is not open, or a rule refuses the row; `errors` name the fields.
    """
    body: dict[str, object] = {"result": answer.result, "text": answer.text}
    if answer.row is not None:
        taken = draft(answer.row)
        epoch = desk.pins.current_epoch
        tokens = yield from evaluate(taken.identifiers, epoch)
        fields = jsonable(taken.with_tokens(tokens))
        more = {"reason": "AMEND", "epoch": epoch.epoch, "profile": desk.profile}
        body["row"] = {**fields, **more}
    reply = yield post_json(f"/v1/disputes/{check_id('dsp', dispute_id)}/answer", body)
    return _dispute(reply.json(), replayed=reply.replayed)


def close_dispute(dispute_id: str, *, agreed: bool) -> Flow[Dispute]:
    """Relay that the borrower does not agree, or that a correction settled the dispute."""
    reply = yield post_json(f"/v1/disputes/{check_id('dsp', dispute_id)}/close", {"agreed": agreed})
    return _dispute(reply.json())


def relay_facts(dispute_id: str, text: str, *, reopen: bool = False) -> Flow[Dispute]:
    """Relay new facts to an open dispute; with `reopen` they open a closed one again."""
    step = "reopen" if reopen else "facts"
    reply = yield post_json(f"/v1/disputes/{check_id('dsp', dispute_id)}/{step}", {"text": text})
    return _dispute(reply.json())


def make_statement(account_ref: str, text: str, statement_id: str | None = None) -> Flow[str]:
    """Relay a statement of one's own borrower; return its id."""
    chosen = check_id("sta", statement_id or new_id("sta"))
    body: dict[str, object] = {"statement_id": chosen, "account_ref": account_ref, "text": text}
    yield post_json("/v1/statements", body)
    return chosen


def _dispute(told: JSON, *, replayed: bool = False) -> Dispute:
    if not isinstance(told, dict):
        raise UnverifiedResponse("a dispute is not in its form")
    history = told.get("history")
    try:
        return Dispute(
            dispute_id=_text(told, "dispute_id"),
            account_ref=_text(told, "account_ref"),
            cause=_text(told, "cause"),
            state=_text(told, "state"),
            result=_maybe(told, "result"),
            opened_by=_text(told, "opened_by"),
            opened_at=_whole(told, "opened_at"),
            due_on=_text(told, "due_on"),
            overdue=told.get("overdue") is True,
            days_late=_whole(told, "days_late"),
            reopened=_whole(told, "reopened"),
            history=tuple(_step(one) for one in history) if isinstance(history, list) else (),
            replayed=replayed,
        )
    except ValueError as error:
        raise UnverifiedResponse(f"a dispute is not in its form: {error}") from error


def _step(told: JSON) -> DisputeStep:
    if not isinstance(told, dict):
        raise ValueError("a step is no object")
    return DisputeStep(
        event=_text(told, "event"),
        actor=_text(told, "actor"),
        result=_maybe(told, "result"),
        at=_whole(told, "at"),
        text=_text(told, "text"),
        leaf=_text(told, "leaf"),
    )


def _text(told: Mapping[str, JSON], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _maybe(told: Mapping[str, JSON], name: str) -> str | None:
    return None if told.get(name) is None else _text(told, name)


def _whole(told: Mapping[str, JSON], name: str) -> int:
    value = told.get(name)
    if type(value) is not int:
        raise ValueError(f"{name} is no whole number")
    return value
