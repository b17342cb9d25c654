"""Send a batch file, in parts where it is long, and wait until it is worked off.

In:  a file, and the desk it is sent from.
Out: its receipt, verified against the very bytes that were sent.
Order: parts, each where the exchange says that the file goes on; then the state of the file, until
it has a receipt or a refusal. A connection that breaks costs one part: whoever sends the same file
again goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from exchange_client.batches.files import BatchFile
from exchange_client.batches.receipts import BatchReceipt, open_batch_receipt
from exchange_client.core.calls import PART_TYPE, Call, Flow, Reply
from exchange_client.core.encoding import JSON
from exchange_client.core.setup import Desk
from exchange_client.errors import Outage, Problem, Refused, UnverifiedResponse

WHOLE_BYTES_MAX: Final = 1 << 20  # a file that is longer is sent in parts
PART_BYTES: Final = 4 << 20
PAUSE_SECONDS: Final = 0.25  # between two looks, at first
PAUSE_SECONDS_MAX: Final = 2.0
WAIT_SECONDS_MAX: Final = 6 * 3600  # for a file to be worked off; sent again, it is waited on
_TAKEN: Final = frozenset({200, 202})
_UNDER_WAY: Final = ("QUEUED", "CHECKING", "MERGING")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an upload has come."""

    stage: str  # tokens, sending, checking, merging or done
    done: int  # tokens, bytes or rows
    total: int
    seconds_left: int | None = None  # the exchange's guess


OnProgress = Callable[[Progress], None]


def send(desk: Desk, file: BatchFile, on_progress: OnProgress | None = None) -> Flow[BatchReceipt]:
    """Send a batch file; the same file again is the same batch.

    Raises:
        Refused: nothing was stored.
        Outage: the file is not worked off for hours, or parts of it do not arrive.
        ReceiptInvalid: the receipt does not speak of the bytes that were sent.
    """
    told = on_progress or _nobody
    state = yield from _sent(file, told)
    pause, ends = PAUSE_SECONDS, desk.now() + WAIT_SECONDS_MAX
    while state.get("state") in _UNDER_WAY:
        told(_working(state))
        if desk.now() >= ends:
            raise Outage(f"{file.batch_id} is not worked off yet; send it again to wait on")
        reply = yield Call(method="GET", path=f"/v1/batches/{file.batch_id}", pause_seconds=pause)
        state, pause = reply.json(), min(PAUSE_SECONDS_MAX, pause * 1.5)
    receipt = open_batch_receipt(_receipt(state), desk.pins, desk.member, file)
    rows = len(file.row_lines)
    told(Progress(stage="done", done=rows, total=rows))
    return receipt


def _sent(file: BatchFile, told: OnProgress) -> Flow[dict[str, JSON]]:
    """Hand over every byte; return the state of the file."""
    total = len(file.sent)
    told(Progress(stage="sending", done=0, total=total))
    if total <= WHOLE_BYTES_MAX:
        reply = yield Call(
            method="POST",
            path="/v1/batches",
            body=lambda: file.sent,
            content_type=file.media,
            accepted=_TAKEN,
        )
        return reply.json()
    offset = 0
    while True:
        reply = yield _part(file, offset)
        if reply.status in _TAKEN:
            state = reply.json()
        else:
            _only_of_offset(reply)  # Perhaps of our own part, whose answer was lost.
            reply = yield Call(method="GET", path=f"/v1/batches/{file.batch_id}")
            state = reply.json()
        before, offset = offset, _number(state, "received_bytes")
        told(Progress(stage="sending", done=offset, total=total))
        if state.get("state") != "RECEIVING":
            return state
        if not before < offset < total:  # Else parts would be sent for ever.
            raise UnverifiedResponse("received_bytes must move on, within the file")


def _part(file: BatchFile, offset: int) -> Call:
    query = (
        f"batch={file.batch_id}&offset={offset}&total={len(file.sent)}&sha256={file.digest.hex()}"
    )
    return Call(
        method="POST",
        path=f"/v1/batches?{query}",
        body=lambda: file.sent[offset : offset + PART_BYTES],
        content_type=PART_TYPE,
        accepted=_TAKEN | {409},
    )


def _only_of_offset(reply: Reply) -> None:
    document = reply.json()
    if document.get("code") != "batch.offset":
        raise Refused(_problem(document, reply.status))


def _working(state: dict[str, JSON]) -> Progress:
    left = state.get("seconds_left")
    return Progress(
        stage="merging" if state.get("state") == "MERGING" else "checking",
        done=_number(state, "rows_done"),
        total=_number(state, "rows"),
        seconds_left=left if isinstance(left, int) else None,
    )


def _receipt(state: dict[str, JSON]) -> str:
    refusal, text = state.get("refusal"), state.get("receipt")
    if isinstance(refusal, dict):
        raise Refused(_problem(refusal, 422))
    if not isinstance(text, str):
        raise UnverifiedResponse(f"the file has no receipt ({state.get('state')})")
    return text


def _problem(document: dict[str, JSON], status: int) -> Problem:
    return Problem(
        code=str(document.get("code")),
        status=status,
        title=str(document.get("detail")),
        errors=(),
        request_id=str(document.get("request_id", "")),
        retryable=False,
        retry_after_seconds=None,
    )


def _number(state: dict[str, JSON], name: str) -> int:
    value = state.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnverifiedResponse(f"{name} must be a whole number")
    return value


def _nobody(_: Progress) -> None:
    """Tell nobody."""
