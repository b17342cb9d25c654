"""The fake takes record files and single records: judged row by row, stored whole or not at all."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exchange_client.batches.files import FORMAT
from exchange_client.batches.receipts import BATCH_TYPE
from exchange_client.core.encoding import JSON, b64url, loads_object
from exchange_client.merkle import root_of_leaves
from exchange_client.testing.deciding import judge_reported
from exchange_client.testing.findings import number
from exchange_client.testing.messages import Caller
from exchange_client.testing.questions import read_tokens
from exchange_client.testing.records.rows import row_flaws
from exchange_client.testing.refusals import Refusal
from exchange_client.testing.standing.telling import correcting
from exchange_client.testing.world import (
    EPOCH,
    EXCHANGE,
    MMD_SECONDS,
    PROFILE,
    Account,
    StoredBatch,
    World,
)
from exchange_client.validating.explaining import rule_of

FAULT_SHARE_PERCENT_MAX: Final = 20
_HEADER: Final = frozenset(
    {
        *("format", "batch_id", "member", "epoch", "norm", "profile", "kind", "mode"),
        *("dry_run", "sequence", "as_of_from", "as_of_to", "created"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of one row."""

    line: int
    row: Mapping[str, JSON]
    flaws: tuple[tuple[str, str], ...]  # field, code
    unchanged: bool


def take_batch(world: World, caller: Caller, content: bytes) -> tuple[str, str, bool]:
    """Take a file; return its id, its receipt and whether that was given before.

    Raises:
        Refusal: the frame, the totals or too many rows refuse it; or the id was used before.
    """
    header, rows = _frame(content, caller)
    place, digest = (caller.member, str(header["batch_id"])), hashlib.sha256(content).digest()
    stored = world.batches.get(place)
    if stored is not None and stored.digest != digest:
        raise Refusal(409, "batch.conflict", pointer="/batch_id")
    if stored is not None and stored.receipt:
        return place[1], stored.receipt, True
    verdicts = [
        _judge(world, caller.member, loads_object(row), line) for line, row in enumerate(rows, 2)
    ]
    faults = tuple(_fault(each.line, flaw) for each in verdicts for flaw in each.flaws)
    if _too_faulty(verdicts, header["mode"]):
        world.batches[place] = StoredBatch(digest=digest, receipt="", faults=faults)
        raise Refusal(422, "batch.fault_share")
    claims = _tally(header, rows, digest, verdicts)
    named = {str(each.row.get("account_ref")) for each in verdicts}
    absent = _absent(world, caller.member, named) if header["kind"] == "FULL" else ()
    claims["absent"] = len(absent)
    leaf = None
    if header["dry_run"] is not True:
        for each in verdicts:
            _store(world, caller.member, each)
        leaf = _log(world, caller, place[1], digest)
    receipt = sign_receipt(world, caller.member, claims, leaf)
    world.batches[place] = StoredBatch(digest=digest, receipt=receipt, faults=faults, absent=absent)
    return place[1], receipt, False


def put_record(world: World, caller: Caller, account_ref: str, body: bytes) -> dict[str, object]:
    """Take one row.

    Raises:
        Refusal: 422, a rule refuses it.
    """
    row = loads_object(body)
    if (row.pop("epoch", None), row.pop("profile", None)) != (EPOCH, PROFILE):
        raise Refusal(422, "request.field", pointer="/epoch")
    if row.get("account_ref") != account_ref:
        raise Refusal(422, "request.field", pointer="/account_ref")
    verdict = _judge(world, caller.member, row, 1)
    if verdict.flaws:
        raise Refusal(422, "row.rule", pointer=f"/{verdict.flaws[0][0]}")
    _store(world, caller.member, verdict)
    event = "unchanged" if verdict.unchanged else "stored"
    return _record_answer(world, caller, account_ref, hashlib.sha256(body).digest(), event)


def delete_record(world: World, caller: Caller, account_ref: str, reason: str) -> dict[str, object]:
    """Withdraw what was said about one account.

    Raises:
        Refusal: 404, there is none; 422, the reason is no reason.
    """
    if reason not in ("DELETE_ERROR", "DELETE_FRAUD"):
        raise Refusal(422, "request.field", pointer="/reason")
    gone = world.accounts.get((caller.member, account_ref))
    if gone is None:
        raise Refusal(404, "absent", pointer="/account_ref")
    with correcting(world, gone.tokens, "DELETED"):
        del world.accounts[caller.member, account_ref]
    digest = hashlib.sha256(f"{account_ref}\n{reason}".encode()).digest()
    return _record_answer(world, caller, account_ref, digest, "deleted")


def _frame(content: bytes, caller: Caller) -> tuple[dict[str, JSON], list[bytes]]:
    lines = content.split(b"\n")
    if lines.pop() or len(lines) < 2:
        raise Refusal(400, "batch.truncated")
    try:
        header, *rows, trailer = (loads_object(line) for line in lines)
    except ValueError:
        raise Refusal(422, "batch.rule") from None
    if "rows_sha256" not in trailer or number(trailer, "rows") > len(rows):
        raise Refusal(400, "batch.truncated")
    if header.keys() != _HEADER or header["format"] != FORMAT:
        raise Refusal(422, "batch.rule")
    if (header["member"], header["profile"]) != (caller.member, PROFILE):
        raise Refusal(422, "batch.rule", pointer="/member")
    if header["epoch"] != EPOCH:
        raise Refusal(409, "token.epoch", pointer="/epoch")
    digest = hashlib.sha256(b"".join(line + b"\n" for line in lines[1:-1])).hexdigest()
    expected = (len(rows), digest, _statuses(rows), _sums(rows))
    told = tuple(trailer.get(name) for name in ("rows", "rows_sha256", "rows_by_status", "sums"))
    if told != expected:
        raise Refusal(422, "batch.control_total")
    return header, lines[1:-1]


def _statuses(rows: Sequence[Mapping[str, JSON]]) -> dict[str, int]:
    return dict(
        Counter(str(row.get("reason" if row.get("op") == "DELETE" else "status")) for row in rows)
    )


def _sums(rows: Sequence[Mapping[str, JSON]]) -> dict[str, dict[str, int]]:
    names = ("balance_minor", "overdue_minor")
    currencies = {str(row["currency"]) for row in rows if "currency" in row}
    return {
        currency: {
            name: sum(number(row, name) for row in rows if row.get("currency") == currency)
            for name in names
        }
        for currency in currencies
    }


def _too_faulty(verdicts: Sequence[Verdict], mode: JSON) -> bool:
    refused = sum(bool(each.flaws) for each in verdicts)
    share = 0 if mode == "ALL_OR_NOTHING" else FAULT_SHARE_PERCENT_MAX
    return refused * 100 > len(verdicts) * share


def _judge(world: World, member: str, row: Mapping[str, JSON], line: int) -> Verdict:
    flaws = row_flaws(row, world.clock.today())
    known = world.accounts.get((member, str(row.get("account_ref"))))
    if not flaws and row.get("op") != "DELETE":
        flaws = _of_the_subject(world, member, row, known)
    unchanged = known is not None and known.row == row
    return Verdict(line=line, row=row, flaws=tuple(flaws), unchanged=unchanged)


def _of_the_subject(
    world: World, member: str, row: Mapping[str, JSON], known: Account | None
) -> list[tuple[str, str]]:
    primary = read_tokens(row["tokens"])[0][1]
    if known is None and row.get("reason") == "AMEND":
        return [("reason", "row.reason")]
    if known is not None and primary not in known.tokens:
        return [("tokens", "row.subject_changed")]
    grant = world.grants.get(str(row.get("grant")))
    if grant is None or grant.held.grantee != member:
        return [("grant", "row.grant_missing")]
    if grant.token != primary:
        return [("grant", "row.grant_subject")]
    if fault := judge_reported(grant, member, world.clock()):
        return [("grant", fault)]
    runs = known is not None and known.row.get("first_overdue_on") is not None
    if number(row, "dpd") and not runs and not row.get("notice"):
        return [("notice", "row.notice_missing")]
    return []


def _store(world: World, member: str, verdict: Verdict) -> None:
    if verdict.flaws or verdict.unchanged:
        return
    place = (member, str(verdict.row["account_ref"]))
    known = world.accounts.get(place)
    if verdict.row.get("op") == "DELETE":
        with correcting(world, known.tokens if known else (), "DELETED"):
            world.accounts.pop(place, None)
        return
    if known is not None and verdict.row.get("reason") == "AMEND":
        with correcting(world, known.tokens, "AMENDED"):
            known.learn(verdict.row)
        return
    tokens = read_tokens(verdict.row["tokens"])
    identities = frozenset(value for kind, value in tokens if kind == "identity")
    fresh = Account(member=member, row=verdict.row, tokens=identities)
    world.accounts.setdefault(place, fresh).learn(verdict.row)


def _absent(world: World, member: str, named: set[str]) -> tuple[str, ...]:
    """Return the open accounts of a member that are not named, in the order of their references."""
    own = world.accounts.items()
    refs = (ref for (whose, ref), account in own if whose == member and account.is_open)
    return tuple(sorted(ref for ref in refs if ref not in named))


def _tally(
    header: Mapping[str, JSON], rows: Sequence[bytes], digest: bytes, verdicts: Sequence[Verdict]
) -> dict[str, object]:
    good = [each for each in verdicts if not each.flaws]
    return {
        "batch": header["batch_id"],
        "digest": b64url(digest),
        "rows": len(rows),
        "rows_root": b64url(root_of_leaves(rows)),
        "sums": _sums([each.row for each in verdicts]),
        "stored": sum(not each.unchanged for each in good),
        "unchanged": sum(each.unchanged for each in good),
        "amended": sum(each.row.get("reason") == "AMEND" for each in good),
        "deleted": sum(each.row.get("op") == "DELETE" for each in good),
        "faulted": len(verdicts) - len(good),
        "warned": 0,
        "absent": 0,  # counted by the caller, for a FULL file
        "totals": "WHOLE",
    }


def _record_answer(
    world: World, caller: Caller, account_ref: str, digest: bytes, event: str
) -> dict[str, object]:
    leaf = None if event == "unchanged" else _log(world, caller, account_ref, digest)
    claims: dict[str, object] = {
        "account": account_ref,
        "digest": b64url(digest),
        "event": event,
        "warnings": [],
    }
    return {
        "account_ref": account_ref,
        "event": event,
        "leaf": None if leaf is None else b64url(leaf),
        "receipt": sign_receipt(world, caller.member, claims, leaf),
        "warnings": [],
    }


def sign_receipt(
    world: World, member: str, claims: Mapping[str, object], leaf: bytes | None
) -> str:
    """Sign the receipt of a file, a record or a disbursement."""
    whole = {
        "iss": EXCHANGE,
        "aud": member,
        "iat": world.clock(),
        **claims,
        "profile": PROFILE,
        "leaf": None if leaf is None else b64url(leaf),
        "log": world.log.origin,
        "mmd": MMD_SECONDS,
    }
    return world.sign_claims("batch", BATCH_TYPE, whole)


def _log(world: World, caller: Caller, what: str, digest: bytes) -> bytes:
    subject = {"kind": "batch", "t": world.clock(), "member": caller.member}
    audit = {"batch": what, "request_sha256": b64url(digest), "key": caller.keyid}
    return world.log.append(caller.member, subject, audit)


def _fault(line: int, flaw: tuple[str, str]) -> dict[str, object]:
    told = {"line": line, "field": flaw[0], "code": flaw[1], "severity": "REJECT"}
    return told | {"rule": rule_of(flaw[1])}
