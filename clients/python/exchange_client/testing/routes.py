"""The fake's routes: parse, call one function, answer."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2
from voprf import ristretto

from exchange_client.batches.packing import MEDIA
from exchange_client.core.calls import JSON_TYPE, NDJSON_TYPE, PART_TYPE
from exchange_client.core.encoding import b64url, dumps, loads_object, unb64url
from exchange_client.oprf import ELEMENT_BYTES, ELEMENTS_MAX, PROOF_BYTES
from exchange_client.testing import answering, granting
from exchange_client.testing.messages import Caller
from exchange_client.testing.questions import Asked, read_question
from exchange_client.testing.records import receiving, reporting
from exchange_client.testing.refusals import Answered, Refusal
from exchange_client.testing.standing import requesting
from exchange_client.testing.standing import routes as standing
from exchange_client.testing.visits import Places, Visit, json_answer
from exchange_client.testing.world import EPOCH, World

FILE_TYPES: Final = (NDJSON_TYPE, "text/csv", *MEDIA.values(), PART_TYPE)
PROOF_TYPE: Final = "text/plain; charset=utf-8"
PROMISE_TYPE: Final = "cx-promise+jwt"
QUERIES_MAX: Final = 1000


def route(world: World, caller: Caller, request: httpx2.Request) -> Answered:
    """Find the route of a request and take it.

    Raises:
        NotImplementedError: the fake has none; it says what it leaves out.
        Refusal: the body has another type, or the route refuses.
    """
    target, known = urlsplit(request.url.raw_path.decode()), False
    for method, pattern, content_type, view in ROUTES:
        match = re.fullmatch(pattern, target.path)
        if match is None or method != request.method:
            continue
        if request.headers.get("content-type") != content_type:
            known = True
            continue
        visit = Visit(
            world=world,
            caller=caller,
            body=request.content,
            parts=tuple(unquote(part) for part in match.groups()),
            query=parse_qs(target.query),
        )
        return view(visit)
    if known:
        raise Refusal(415, "request.media_type")
    raise NotImplementedError(
        f"FakeExchange serves no {request.method} {target.path}; it leaves out: "
        + "; ".join(LEFT_OUT)
    )


def _tokens(visit: Visit) -> Answered:
    body = visit.json()
    elements = body.get("elements")
    if body.keys() != {"epoch", "elements"} or not isinstance(elements, list) or not elements:
        raise Refusal(422, "request.field", pointer="/elements")
    if body["epoch"] != EPOCH:
        raise Refusal(409, "token.epoch", pointer="/epoch")
    if len(elements) > ELEMENTS_MAX:
        raise Refusal(413, "request.too_large", pointer="/elements")
    try:
        blinded = [ristretto.BlindedInput.deserialize(unb64url(one)) for one in elements]
    except ValueError:
        raise Refusal(422, "token.element", pointer="/elements") from None
    output = visit.world.evaluator.evaluate_batch(blinded).serialize()
    proof, evaluated = output[:PROOF_BYTES], output[PROOF_BYTES:]
    starts = range(0, len(evaluated), ELEMENT_BYTES)
    listed = [b64url(evaluated[start : start + ELEMENT_BYTES]) for start in starts]
    return json_answer({"epoch": EPOCH, "elements": listed, "proof": b64url(proof)})


def _ask(visit: Visit) -> Answered:
    asked = read_question(visit.body, visit.json())
    receipt, replayed = answering.answer(visit.world, visit.caller, asked)
    return json_answer({"receipt": receipt}, replayed=replayed)


def _ask_many(visit: Visit) -> Answered:
    lines = visit.body.split(b"\n")
    if lines.pop() or not 1 <= len(lines) <= QUERIES_MAX or not all(lines):
        raise Refusal(422, "request.field")
    try:
        asked = [read_question(line, loads_object(line)) for line in lines]
    except ValueError:
        raise Refusal(400, "request.form") from None
    _check_distinct(asked)
    answers = [answering.answer(visit.world, visit.caller, one) for one in asked]
    body = b"".join(dumps({"receipt": receipt}) + b"\n" for receipt, _ in answers)
    headers = {"Cx-Replayed": "true"} if all(replayed for _, replayed in answers) else {}
    return Answered(body=body, content_type=NDJSON_TYPE, headers=headers)


def _check_distinct(asked: list[Asked]) -> None:
    named: tuple[list[str], ...] = (
        [one.query_id for one in asked],
        [one.primary for one in asked],
        [one.grant_id or one.query_id for one in asked],
    )
    if any(len(set(values)) != len(values) for values in named):
        raise Refusal(422, "request.field")


def _find(visit: Visit) -> Answered:
    stored = visit.world.answers.get((visit.caller.member, visit.parts[0]))
    if stored is None:
        raise Refusal(404, "absent")
    return json_answer({"receipt": stored.receipt}, replayed=True)


def _upload(visit: Visit) -> Answered:
    state, replayed = receiving.take(visit.world, visit.caller, visit.query, visit.body)
    status = 202 if state["receipt"] is None else 200
    headers = {"Cx-Replayed": "true"} if replayed else {}
    return Answered(body=dumps(state), status=status, headers=headers)


def _batch(visit: Visit) -> Answered:
    return json_answer(receiving.shown(visit.world, visit.caller, visit.parts[0]))


def _faults(visit: Visit) -> Answered:
    stored = visit.world.batches.get((visit.caller.member, visit.parts[0]))
    if stored is None:
        raise Refusal(404, "absent")
    after = int(visit.query.get("after", ["0"])[0])
    behind = [fault for fault in stored.faults if int(str(fault["line"])) > after]
    body = b"".join(dumps(fault) + b"\n" for fault in behind)
    return Answered(body=body, content_type=NDJSON_TYPE)


def _absent(visit: Visit) -> Answered:
    stored = visit.world.batches.get((visit.caller.member, visit.parts[0]))
    if stored is None:
        raise Refusal(404, "absent")
    behind = [ref for ref in stored.absent if ref > visit.asked("after")]
    return json_answer({"account_refs": behind})


def _put(visit: Visit) -> Answered:
    visit.json()
    return json_answer(reporting.put_record(visit.world, visit.caller, visit.parts[0], visit.body))


def _delete(visit: Visit) -> Answered:
    reason = visit.query.get("reason", [""])[0]
    return json_answer(reporting.delete_record(visit.world, visit.caller, visit.parts[0], reason))


def _register(visit: Visit) -> Answered:
    return json_answer(granting.register(visit.world, visit.caller, visit.json()))


def _request(visit: Visit) -> Answered:
    return json_answer(requesting.request(visit.world, visit.caller, visit.json()))


def _grant(visit: Visit) -> Answered:
    grant = visit.world.grant_of(visit.caller.member, visit.parts[0])
    return json_answer(granting.shown(visit.world, grant))


def _relay(visit: Visit) -> Answered:
    if not visit.json().keys() <= {"acted_at", "channel"}:
        raise Refusal(422, "request.field")
    return json_answer(granting.relay(visit.world, visit.caller, *visit.parts))


def _confirm(visit: Visit) -> Answered:
    return json_answer(granting.confirm_stop(visit.world, visit.caller, visit.parts[0]))


def _evidence(visit: Visit) -> Answered:
    shown = granting.show_evidence(visit.world, visit.caller, visit.parts[0], visit.body)
    return json_answer(shown)


def _notices(_: Visit) -> Answered:
    return json_answer({"notices": granting.listed_notices()})


def _redeem(visit: Visit) -> Answered:
    try:
        leaf = unb64url(visit.parts[0])
    except ValueError:
        raise Refusal(422, "request.field", pointer="/leaf") from None
    if not visit.world.log.is_of(leaf, visit.caller.member):
        raise Refusal(404, "absent")
    proof = visit.world.log.proof(leaf)
    if proof is not None:
        return Answered(body=proof, content_type=PROOF_TYPE)
    promise = visit.world.sign_claims("promise", PROMISE_TYPE, {"jti": b64url(leaf)})
    return Answered(body=dumps({"promise": promise}), status=202, headers={"Retry-After": "1"})


_ID: Final = "([a-z]{3}_[0-9a-f]{32})"
ROUTES: Final[Places] = (
    ("POST", "/v1/tokens", JSON_TYPE, _tokens),
    ("POST", "/v1/queries", JSON_TYPE, _ask),
    ("POST", "/v1/query-batches", NDJSON_TYPE, _ask_many),
    ("GET", f"/v1/queries/{_ID}", None, _find),
    *(("POST", "/v1/batches", media, _upload) for media in FILE_TYPES),
    ("GET", f"/v1/batches/{_ID}", None, _batch),
    ("GET", f"/v1/batches/{_ID}/faults", None, _faults),
    ("GET", f"/v1/batches/{_ID}/absent", None, _absent),
    ("PUT", "/v1/records/([^/]+)", JSON_TYPE, _put),
    ("DELETE", "/v1/records/([^/]+)", None, _delete),
    ("POST", "/v1/grants", JSON_TYPE, _register),
    ("POST", "/v1/grant-requests", JSON_TYPE, _request),
    ("GET", f"/v1/grants/{_ID}", None, _grant),
    ("POST", f"/v1/grants/{_ID}/(withdraw|pause|resume)", JSON_TYPE, _relay),
    ("POST", f"/v1/grants/{_ID}/evidence", PART_TYPE, _evidence),
    ("POST", f"/v1/grants/{_ID}/confirm-stop", JSON_TYPE, _confirm),
    ("GET", "/v1/notices", None, _notices),
    ("GET", "/v1/receipts/([^/]+)", None, _redeem),
    *standing.ROUTES,
)
# What the fake has no part of, and where its paths begin: the first is delivered from outside the
# process, the others tell of a whole exchange: they are tested against a sandbox.
LEFT_OUT: Final = {
    "webhooks and their delivery (verify deliveries with exchange_client.webhooks)": "/v1/webhooks",
    "the regulator's audit (use a sandbox: `exchange up`)": "/audit/v1/",
    "the consortium's report (use a sandbox: `exchange up`)": "/v1/reports/consortium",
}
