"""Report records: a whole batch, or one account; and fetch what was wrong with the rows.

Order of a batch: rows taken apart -> tokens in slices -> file built -> sent -> receipt verified
against the very bytes that were sent.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final
from urllib.parse import quote

from exchange_client.batches.files import BatchFile, BatchHeader, UploadOptions, build
from exchange_client.batches.receipts import BatchReceipt, RecordReceipt, open_record_receipt
from exchange_client.batches.rows import Row, draft, drafts, jsonable, read_rows
from exchange_client.batches.sending import OnProgress, Progress, send
from exchange_client.core.calls import JSON_TYPE, Call, Flow, Reply, get
from exchange_client.core.encoding import JSON, dumps, loads_object, printable
from exchange_client.core.ids import check_id, new_id
from exchange_client.core.setup import Desk
from exchange_client.core.tokens import evaluate
from exchange_client.errors import UnverifiedResponse, UsageError

ROWS_MAX: Final = 200_000  # of one batch
_MILLISECONDS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFault:
    """What is wrong with one row: never its value."""

    line: int  # of the batch file, whose header is line 1
    field: str
    code: str
    severity: str  # REJECT: not stored; WARN: stored
    rule: str = ""  # what the code asks of a row


def prepare(
    desk: Desk,
    rows: Iterable[Row] | Path | str,
    options: UploadOptions,
    on_progress: OnProgress | None = None,
) -> Flow[BatchFile]:
    """Turn a member's rows into the batch file that will be sent.

    Raises:
        UsageError, InvalidIdentifier: a row cannot be sent; its number is named.
        ProofInvalid: the evaluator does not hold the pinned key.
    """
    taken = drafts(read_rows(Path(rows)) if isinstance(rows, str | Path) else rows)
    if not 1 <= len(taken) <= ROWS_MAX:
        raise UsageError(f"a batch has 1 to {ROWS_MAX:,} rows, not {len(taken):,}: split it")
    epoch = desk.pins.current_epoch
    named = [one for row in taken for one in row.identifiers]
    tokens = yield from evaluate(named, epoch, _on_tokens(on_progress))
    header = BatchHeader(
        batch_id=check_id("bat", options.get("batch_id") or new_id("bat")),
        member=desk.member,
        epoch=epoch.epoch,
        profile=options.get("profile") or desk.profile,
        kind=options.get("kind", "DELTA"),
        mode=options.get("mode", "ACCEPT_PARTIAL"),
        dry_run=options.get("dry_run", False),
        sequence=options.get("sequence") or _milliseconds(desk),
        created=desk.now(),
    )
    return build(header, [jsonable(row.with_tokens(tokens)) for row in taken])


def upload(
    desk: Desk,
    rows: Iterable[Row] | Path | str | BatchFile,
    options: UploadOptions,
    on_progress: OnProgress | None = None,
) -> Flow[BatchReceipt]:
    """Prepare a batch file, unless it was prepared before, and send it."""
    if isinstance(rows, BatchFile):
        return (yield from send(desk, rows, on_progress))
    file = yield from prepare(desk, rows, options, on_progress)
    return (yield from send(desk, file, on_progress))


def fetch_faults(batch_id: str) -> Flow[list[RowFault]]:
    """Fetch what was wrong with the rows of a batch, page by page."""
    faults: list[RowFault] = []
    path = f"/v1/batches/{check_id('bat', batch_id)}/faults"
    while True:
        reply = yield get(f"{path}?after={faults[-1].line}" if faults else path)
        try:
            page = [_fault(loads_object(line)) for line in reply.body.split(b"\n") if line]
        except ValueError as error:
            raise UnverifiedResponse(f"the faults are not in their form: {error}") from error
        if not page:
            return faults
        lines = [fault.line for fault in (*faults[-1:], *page)]
        if lines != sorted(lines) or (faults and lines[0] == lines[1]):  # It would never end.
            raise UnverifiedResponse("a page of faults must go on behind the last")
        faults += page


def fetch_absent(batch_id: str) -> Flow[list[str]]:
    """Fetch the open accounts that a FULL batch did not mention: none of them was closed."""
    absent: list[str] = []
    path = f"/v1/batches/{check_id('bat', batch_id)}/absent"
    while True:
        reply = yield get(f"{path}?after={quote(absent[-1], safe='')}" if absent else path)
        page = reply.json().get("account_refs")
        if not isinstance(page, list):
            raise UnverifiedResponse("the list of absent accounts is not in its form")
        if not page:
            return absent
        refs = [*absent[-1:], *map(str, page)]
        if any(one >= other for one, other in pairwise(refs)):  # It would never end.
            raise UnverifiedResponse("a page of absent accounts must go on behind the last")
        absent += refs[-len(page) :]


def put_record(desk: Desk, row: Row, profile: str | None = None) -> Flow[RecordReceipt]:
    """Report one account; the same rules hold as for a row of a batch.

    Raises:
        Refused: a rule refuses it; `errors` name the fields.
        ReceiptInvalid: the receipt does not speak of what was sent.
    """
    taken = draft(row)
    epoch = desk.pins.current_epoch
    tokens = yield from evaluate(taken.identifiers, epoch)
    fields = jsonable(taken.with_tokens(tokens))
    account_ref = _account_ref(fields)
    body = dumps({**fields, "epoch": epoch.epoch, "profile": profile or desk.profile})
    reply = yield Call(
        method="PUT", path=_record_path(account_ref), body=lambda: body, content_type=JSON_TYPE
    )
    digest = hashlib.sha256(body).digest()
    return open_record_receipt(_receipt(reply), desk.pins, desk.member, account_ref, digest)


def delete_record(desk: Desk, account_ref: str, reason: str) -> Flow[RecordReceipt]:
    """Withdraw everything said about one account: DELETE_ERROR or DELETE_FRAUD.

    A try whose answer was lost is told as absent when it is repeated: then it was deleted.
    """
    path = f"{_record_path(account_ref)}?reason={quote(reason, safe='')}"
    reply = yield Call(method="DELETE", path=path)
    digest = hashlib.sha256(f"{account_ref}\n{reason}".encode()).digest()
    return open_record_receipt(_receipt(reply), desk.pins, desk.member, account_ref, digest)


def _receipt(reply: Reply) -> str:
    text = reply.json().get("receipt")
    if not isinstance(text, str):
        raise UnverifiedResponse("the response holds no receipt")
    return text


def _milliseconds(desk: Desk) -> int:
    """Two files of one second need two numbers, the later one the greater."""
    return desk.now() * _MILLISECONDS + time.time_ns() // 1_000_000 % _MILLISECONDS


def _record_path(account_ref: str) -> str:
    return f"/v1/records/{quote(account_ref, safe='')}"


def _account_ref(fields: Mapping[str, object]) -> str:
    account_ref = fields.get("account_ref")
    if not isinstance(account_ref, str) or not account_ref:
        raise UsageError("a record needs `account_ref`, a text")
    return account_ref


def _fault(line: dict[str, JSON]) -> RowFault:
    number = line.get("line")
    if not isinstance(number, int):
        raise ValueError("a fault has no line")
    return RowFault(
        line=number,
        field=printable(str(line.get("field", ""))),
        code=printable(str(line.get("code", ""))),
        severity=printable(str(line.get("severity", ""))),
        rule=printable(str(line.get("rule", ""))),
    )


def _on_tokens(on_progress: OnProgress | None) -> Callable[[int, int], None]:
    return lambda done, total: _tell(on_progress, Progress(stage="tokens", done=done, total=total))


def _tell(on_progress: OnProgress | None, progress: Progress) -> None:
    if on_progress is not None:
        on_progress(progress)
