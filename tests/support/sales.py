"""Two lenders at their desks, and a debt that one sells to the other."""

from __future__ import annotations

from exchange_client.core.encoding import loads_object
from tests.support.grant_desk import shown
from tests.support.record_desk import RecordDesk
from tests.support.rows import ABSENT
from tests.support.sandbox import Sandbox

Flaws = list[tuple[str, str]]
PATHS = ["alone", "file"]
TAKEN: Flaws = [("transfer_id", "row.transfer")]
FIRST: Flaws = [("first_overdue_on", "row.transfer")]
HISTORY: Flaws = [("history", "row.transfer")]


def sale(n: int = 1) -> str:
    """Return the id of the n-th sale."""
    return f"019a0000-0000-7000-8000-{n:012d}"


def desk_of(sandbox: Sandbox, member: str) -> RecordDesk:
    """Return the desk of a lender."""
    return RecordDesk(sandbox=sandbox, key=sandbox.enrol(member))


def told(desk: RecordDesk, row: dict[str, object], path: str = "alone") -> Flaws:
    """Send one row; return what refuses it."""
    if path == "alone":
        answer = desk.put(row)
        errors = (answer.get_json() or {}).get("errors", ())
        return [(fault["pointer"][1:], fault["code"]) for fault in errors]
    content = desk.file([row], {"kind": "DELTA"})
    desk.upload(content)
    batch = loads_object(content.split(b"\n")[0])["batch_id"]
    return [(str(one["field"]), str(one["code"])) for one in desk.faults(batch)]


def sells(seller: RecordDesk, n: int = 1, path: str = "alone", **changes: object) -> Flaws:
    """Let the seller report the n-th subject's debt, and sell it today."""
    account = f"own-{n}"
    shown(seller.put(seller.late(n, account, 75, history="332N")))
    gone = {"status": "SOLD", "status_on": seller.day(0), "closed_on": seller.day(0)}
    row = seller.late(n, account, 75, transfer_id=sale(n), **gone | {"notice": ABSENT} | changes)
    return told(seller, row, path)


def taken_over(buyer: RecordDesk, n: int = 1, **changes: object) -> dict[str, object]:
    """Return the row by which the buyer takes over the n-th subject's debt."""
    come = {"reason": "TRANSFER_IN", "transfer_id": sale(n), "history": "332N"}
    days = changes.pop("days", 75)
    assert isinstance(days, int)
    return buyer.late(n, f"bought-{n}", days, **come | changes)
