"""The fake's disputes, told by a member for its own borrower: the exchange's states and clocks.

Only the borrower agrees to ACCURATE or takes a dispute back, and no borrower speaks here:
`FakeExchange` has no borrower's page.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from exchange_client._consent.profiles import Effect
from exchange_client.core.encoding import JSON, b64url, dumps
from exchange_client.testing.deciding import law
from exchange_client.testing.messages import Caller
from exchange_client.testing.records import reporting
from exchange_client.testing.refusals import Refusal
from exchange_client.testing.standing.stating import (
    account_of,
    check_text,
    digest_of,
    log_said,
    texts,
)
from exchange_client.testing.standing.telling import correcting
from exchange_client.testing.world import Account, FakeDispute, World

TEXT_CHARACTERS_MAX: Final = 1_000
REOPEN_DAYS: Final = 30
STATES: Final = frozenset({"OPEN", "ANSWERED", "CLOSED", "WITHDRAWN"})
RESULTS: Final = frozenset({"ACCURATE", "MODIFIED", "DELETED_ERROR", "DELETED_FRAUD"})
CAUSES: Final = frozenset(
    {
        *("NOT_MINE", "WRONG_AMOUNT", "WRONG_DATE", "WRONG_STATUS", "ALREADY_PAID"),
        *("IDENTITY_THEFT", "NO_NOTICE", "NO_CONSENT", "DUPLICATE", "OTHER"),
    }
)


def open_dispute(
    world: World, caller: Caller, body: Mapping[str, JSON]
) -> tuple[FakeDispute, bool]:
    """Open a dispute; the same again is the first one.

    Raises:
        Refusal: 404, no such account; 409, the id or the record is under dispute already.
    """
    told = texts(body, {"dispute_id", "account_ref", "cause", "text"})
    if told["cause"] not in CAUSES:
        raise Refusal(422, "request.field", pointer="/cause")
    check_text(told["text"], TEXT_CHARACTERS_MAX)
    digest = digest_of(body)
    known = world.disputes.get(told["dispute_id"])
    if known is not None:
        if (known.digest, known.member) != (digest, caller.member):
            raise Refusal(409, "dispute.conflict", pointer="/dispute_id")
        return known, True
    account = account_of(world, caller.member, told["account_ref"])
    if _running(world, account):
        raise Refusal(409, "dispute.conflict")
    dispute = FakeDispute(
        dispute_id=told["dispute_id"],
        member=caller.member,
        account_ref=told["account_ref"],
        account=account,
        cause=told["cause"],
        digest=digest,
        opened_at=world.clock(),
        due_on=_due_on(world),
    )
    world.disputes[dispute.dispute_id] = dispute
    _step(world, dispute, ("open", caller.member, told["text"]))
    return dispute, False


def listed(world: World, caller: Caller, state: str, overdue: str) -> list[dict[str, object]]:
    """List a member's disputes without what was said in them.

    Raises:
        Refusal: 422, a filter is none.
    """
    if state and state not in STATES:
        raise Refusal(422, "request.field", pointer="/state")
    if overdue not in ("", "true", "false"):
        raise Refusal(422, "request.field", pointer="/overdue")
    own = [one for one in world.disputes.values() if one.member == caller.member]
    rows = [shown(world, one) | {"history": []} for one in own if state in ("", one.state)]
    rows = [row for row in rows if row["overdue"] or overdue != "true"]
    return sorted(rows, key=lambda row: str(row["dispute_id"]))


def find(world: World, caller: Caller, dispute_id: str) -> FakeDispute:
    """Return a member's dispute.

    Raises:
        Refusal: 404, absent or another's.
    """
    dispute = world.disputes.get(dispute_id)
    if dispute is None or dispute.member != caller.member:
        raise Refusal(404, "absent")
    return dispute


def answer(world: World, caller: Caller, dispute: FakeDispute, body: Mapping[str, JSON]) -> bool:
    """Answer a dispute, its correction with it; say whether it was answered so before.

    Raises:
        Refusal: 409, it is not open; 422, the answer or its row is none.
    """
    row = body.get("row")
    told = texts({name: body[name] for name in body if name != "row"}, {"result", "text"})
    result = told["result"]
    check_text(told["text"], TEXT_CHARACTERS_MAX)
    if result not in RESULTS:
        raise Refusal(422, "request.field", pointer="/result")
    if (result == "MODIFIED") is not isinstance(row, dict):
        raise Refusal(422, "request.field", pointer="/row")
    if dispute.result == result and dispute.answered_at is not None:
        return True
    _check_state(dispute, "OPEN")
    if isinstance(row, dict):
        _amend(world, caller, dispute, row)
    elif result != "ACCURATE" and _stands(world, dispute):
        reason = result.replace("DELETED", "DELETE")
        reporting.delete_record(world, caller, dispute.account_ref, reason)
    dispute.state, dispute.result, dispute.answered_at = "ANSWERED", result, world.clock()
    dispute.days_late += _days_late(world, dispute)
    _step(world, dispute, ("answer", caller.member, told["text"]))
    return False


def close(world: World, caller: Caller, dispute: FakeDispute, body: Mapping[str, JSON]) -> None:
    """Relay that the borrower does not agree, or that a correction settled it.

    Raises:
        Refusal: 409, it is not answered, or the borrower alone may agree to that.
    """
    agreed = body.get("agreed")
    if body.keys() != {"agreed"} or not isinstance(agreed, bool):
        raise Refusal(422, "request.field", pointer="/agreed")
    _check_state(dispute, "ANSWERED")
    if agreed and dispute.result == "ACCURATE":
        raise Refusal(409, "dispute.transition")
    if dispute.result == "ACCURATE":
        dispute.result = "UNRESOLVED"
    dispute.state, dispute.closed_at = "CLOSED", world.clock()
    with correcting(world, dispute.account.tokens, "DISPUTE_CLOSED"):
        _step(world, dispute, ("close", caller.member, ""))


def add_facts(world: World, caller: Caller, dispute: FakeDispute, body: Mapping[str, JSON]) -> None:
    """Relay new facts to an open dispute; they extend its clock once, where the profile says so."""
    text = _text_alone(body)
    _check_state(dispute, "OPEN")
    days = law().extension_days
    if days and not dispute.extended and world.clock() < _due_at(dispute.due_on):
        dispute.extended, dispute.due_on = True, dispute.due_on + timedelta(days=days)
    _step(world, dispute, ("add_facts", caller.member, text))


def reopen(world: World, caller: Caller, dispute: FakeDispute, body: Mapping[str, JSON]) -> None:
    """Open a closed dispute again; its clock starts anew.

    Raises:
        Refusal: 409, it is not closed, or too long; 404, the record is gone.
    """
    text = _text_alone(body)
    _check_state(dispute, "CLOSED")
    closed_on = _day(dispute.closed_at or 0)
    if (_day(world.clock()) - closed_on).days > REOPEN_DAYS:
        raise Refusal(409, "dispute.transition")
    if not _stands(world, dispute):
        raise Refusal(404, "absent")
    if _running(world, dispute.account):
        raise Refusal(409, "dispute.transition")
    dispute.state, dispute.result, dispute.answered_at = "OPEN", None, None
    dispute.closed_at, dispute.extended, dispute.due_on = None, False, _due_on(world)
    dispute.opened_at, dispute.reopened = world.clock(), dispute.reopened + 1
    _step(world, dispute, ("reopen", caller.member, text))


def shown(world: World, dispute: FakeDispute) -> dict[str, object]:
    """Return a dispute as it stands today, with all that was said in it."""
    overdue = dispute.state == "OPEN" and _due_at(dispute.due_on) <= world.clock()
    return {
        "dispute_id": dispute.dispute_id,
        "member": dispute.member,
        "account_ref": dispute.account_ref,
        "cause": dispute.cause,
        "state": dispute.state,
        "result": dispute.result,
        "opened_by": dispute.member,
        "opened_at": dispute.opened_at,
        "due_on": dispute.due_on.isoformat(),
        "overdue": overdue,
        "days_late": dispute.days_late + (_days_late(world, dispute) if overdue else 0),
        "reopened": dispute.reopened,
        "history": dispute.steps,
    }


def _amend(world: World, caller: Caller, dispute: FakeDispute, row: Mapping[str, JSON]) -> None:
    if not _stands(world, dispute):
        raise Refusal(422, "request.field", pointer="/result")
    if row.get("account_ref") != dispute.account_ref:
        raise Refusal(422, "request.field", pointer="/row/account_ref")
    if row.get("reason") != "AMEND":
        raise Refusal(422, "request.field", pointer="/row/reason")
    before = _told(dispute.account.row)
    reporting.put_record(world, caller, dispute.account_ref, dumps(dict(row)))
    if _told(dispute.account.row) == before:
        raise Refusal(422, "request.field", pointer="/row")


def _told(row: Mapping[str, object]) -> dict[str, object]:
    """Return what a row says of its account, without the grounds on which it says it."""
    return {name: row[name] for name in row if name not in {"reason", "grant", "basis", "notice"}}


def _step(world: World, dispute: FakeDispute, said: tuple[str, str, str]) -> None:
    """Write a step, and what looks see of it: a running dispute flags, an unresolved one stays."""
    event, actor, text = said
    result = dispute.result if event in ("answer", "close") else None
    name = f"{event}.{result.lower()}" if result else event
    leaf = log_said(world, dispute.member, {"kind": "dispute", "event": name})
    dispute.steps.append(
        {
            "event": event,
            "actor": actor,
            "result": result,
            "at": world.clock(),
            "text": text,
            "leaf": b64url(leaf),
        }
    )
    running = dispute.state in ("OPEN", "ANSWERED")
    dispute.account.disputed = running or dispute.result == "UNRESOLVED"
    hides = law().overdue_effect is not Effect.FLAG
    due_at = _due_at(dispute.due_on) if dispute.state == "OPEN" and hides else None
    dispute.account.hidden_from = due_at


def _stands(world: World, dispute: FakeDispute) -> bool:
    return world.accounts.get((dispute.member, dispute.account_ref)) is dispute.account


def _running(world: World, account: Account) -> bool:
    return any(
        one.account is account and one.state in ("OPEN", "ANSWERED")
        for one in world.disputes.values()
    )


def _check_state(dispute: FakeDispute, needed: str) -> None:
    if dispute.state != needed:
        raise Refusal(409, "dispute.transition")


def _text_alone(body: Mapping[str, JSON]) -> str:
    text = texts(body, {"text"})["text"]
    check_text(text, TEXT_CHARACTERS_MAX)
    return text


def _due_on(world: World) -> date:
    return _day(world.clock()) + timedelta(days=law().dispute_days)


def _due_at(due_on: date) -> int:
    after, zone = due_on + timedelta(days=1), ZoneInfo(law().timezone)
    return int(datetime(after.year, after.month, after.day, tzinfo=zone).timestamp())


def _days_late(world: World, dispute: FakeDispute) -> int:
    return max(0, (_day(world.clock()) - dispute.due_on).days)


def _day(moment: int) -> date:
    return datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(law().timezone)).date()
