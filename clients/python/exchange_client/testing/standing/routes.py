"""The fake's routes about disputes, statements, disbursements, watches, events, quality."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final, cast

from exchange_client.core.calls import JSON_TYPE
from exchange_client.core.encoding import JSON, b64url
from exchange_client.core.records.reporting import QualityReport
from exchange_client.testing.refusals import Answered, Refusal
from exchange_client.testing.standing import (
    disbursing,
    disputing,
    stating,
    statuses,
    telling,
    watching,
)
from exchange_client.testing.visits import Places, Visit, json_answer
from exchange_client.testing.world import EPOCH


def _open(visit: Visit) -> Answered:
    dispute, replayed = disputing.open_dispute(visit.world, visit.caller, visit.json())
    return json_answer(disputing.shown(visit.world, dispute), replayed=replayed)


def _list(visit: Visit) -> Answered:
    state, overdue = visit.asked("state"), visit.asked("overdue")
    rows = disputing.listed(visit.world, visit.caller, state, overdue)
    return json_answer({"disputes": rows, "has_more": False, "next": None})


def _show(visit: Visit) -> Answered:
    dispute = disputing.find(visit.world, visit.caller, visit.parts[0])
    return json_answer(disputing.shown(visit.world, dispute))


def _step(visit: Visit) -> Answered:
    dispute = disputing.find(visit.world, visit.caller, visit.parts[0])
    steps = {"close": disputing.close, "facts": disputing.add_facts, "reopen": disputing.reopen}
    steps[visit.parts[1]](visit.world, visit.caller, dispute, visit.json())
    return json_answer(disputing.shown(visit.world, dispute))


def _answer(visit: Visit) -> Answered:
    dispute = disputing.find(visit.world, visit.caller, visit.parts[0])
    replayed = disputing.answer(visit.world, visit.caller, dispute, visit.json())
    return json_answer(disputing.shown(visit.world, dispute), replayed=replayed)


def _state(visit: Visit) -> Answered:
    body = visit.json()
    made, replayed = stating.state(visit.world, visit.caller, body)
    told: dict[str, object] = {
        "statement_id": body["statement_id"],
        "made_at": made.made_at,
        "leaf": b64url(made.leaf),
    }
    return json_answer(told, replayed=replayed)


def _disburse(visit: Visit) -> Answered:
    told = visit.json()
    receipt, replayed = disbursing.disburse(visit.world, visit.caller, told, visit.body)
    return json_answer({"receipt": receipt}, replayed=replayed)


def _staff(visit: Visit) -> Answered:
    body = visit.json()
    if body.keys() != {"epoch", "tokens"} or len(cast("list[JSON]", body["tokens"])) > STAFF_MAX:
        raise Refusal(422, "request.field", pointer="/tokens")
    if body["epoch"] != EPOCH:
        raise Refusal(409, "token.epoch", pointer="/epoch")
    member = visit.caller.member
    subject = {"kind": "admin", "t": visit.world.clock(), "member": member, "event": "staff"}
    audit = {"staff": body["tokens"], "key": visit.caller.keyid}
    return json_answer({"leaf": b64url(visit.world.log.append(member, subject, audit))})


def _watch(visit: Visit) -> Answered:
    watch, replayed = watching.add(visit.world, visit.caller, visit.json())
    return json_answer(watching.shown(watch), replayed=replayed)


def _watches(visit: Visit) -> Answered:
    rows = watching.listed(visit.world, visit.caller)
    return json_answer({"watches": rows, "has_more": False, "next": None})


def _one_watch(visit: Visit) -> Answered:
    return json_answer(watching.shown(watching.find(visit.world, visit.caller, visit.parts[0])))


def _renew_watch(visit: Visit) -> Answered:
    watch = watching.find(visit.world, visit.caller, visit.parts[0])
    replayed = watching.renew(visit.world, watch, visit.json())
    return json_answer(watching.shown(watch), replayed=replayed)


def _end_watch(visit: Visit) -> Answered:
    watch = watching.find(visit.world, visit.caller, visit.parts[0])
    replayed = watching.remove(visit.world, watch)
    return json_answer(watching.shown(watch), replayed=replayed)


def _events(visit: Visit) -> Answered:
    watching.look_again(visit.world, visit.caller.member)
    after, limit = visit.asked("after"), visit.asked("limit", "100")
    return json_answer(telling.feed(visit.world, visit.caller.member, after, limit))


def _status_list(visit: Visit) -> Answered:
    return statuses.signed_list(visit.world, visit.parts[0])


def _quality(visit: Visit) -> Answered:
    member = visit.caller.member
    report = visit.world.quality.get(member) or QualityReport(
        member=member, earned="ALL", next_earned=None, next_at=None, months=()
    )
    change = {"earned": report.next_earned, "effective_at": report.next_at, "announced_at": 0}
    told: dict[str, object] = {
        "member": member,
        "earned": report.earned,
        "next": None if report.next_at is None else change,
        "months": [asdict(month) for month in report.months],
    }
    return json_answer({"reports": [told]})


STAFF_MAX: Final = 500
DISPUTE: Final = "(dsp_[0-9a-f]{32})"
WATCH: Final = "(wch_[0-9a-f]{32})"
ROUTES: Final[Places] = (
    ("POST", "/v1/disputes", JSON_TYPE, _open),
    ("GET", "/v1/disputes", None, _list),
    ("GET", f"/v1/disputes/{DISPUTE}", None, _show),
    ("POST", f"/v1/disputes/{DISPUTE}/answer", JSON_TYPE, _answer),
    ("POST", f"/v1/disputes/{DISPUTE}/(close|facts|reopen)", JSON_TYPE, _step),
    ("POST", "/v1/statements", JSON_TYPE, _state),
    ("POST", "/v1/disbursements", JSON_TYPE, _disburse),
    ("PUT", "/v1/staff", JSON_TYPE, _staff),
    ("POST", "/v1/watches", JSON_TYPE, _watch),
    ("GET", "/v1/watches", None, _watches),
    ("GET", f"/v1/watches/{WATCH}", None, _one_watch),
    ("POST", f"/v1/watches/{WATCH}/renew", JSON_TYPE, _renew_watch),
    ("DELETE", f"/v1/watches/{WATCH}", None, _end_watch),
    ("GET", "/v1/events", None, _events),
    ("GET", "/v1/status-lists/([1-9][0-9]{0,8})", None, _status_list),
    ("GET", "/v1/reports/data-quality", None, _quality),
)
