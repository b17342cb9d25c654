"""Watches: be told when something changes elsewhere about the borrower of an own open account.

What is told stands among the events (`events()`): its kind, its bands, and the leaf that shows that
it was a look like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from exchange_client.batches.rows import subject_of, token_list
from exchange_client.core.calls import Call, Flow, get, post_json
from exchange_client.core.encoding import JSON
from exchange_client.core.ids import check_id, new_id
from exchange_client.core.setup import Desk
from exchange_client.core.tokens import evaluate
from exchange_client.errors import UnverifiedResponse, UsageError
from exchange_client.identifiers import Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWatch:
    """A watch to add; the same watch again is the same one."""

    account_ref: str
    identifiers: Identifier | Sequence[Identifier] = field(repr=False)  # identities of the account
    purpose: str  # `account_review` or `portfolio_monitoring`
    grant: str
    kinds: tuple[str, ...] = ()  # of events; none: all that purpose and grant allow
    watch_id: str = field(default_factory=lambda: new_id("wch"))

    def __post_init__(self) -> None:
        subject = subject_of(self.identifiers)
        if any(one.kind != "identity" for one in subject):
            raise UsageError("a watch goes by identities: a contact is of no account")
        object.__setattr__(self, "identifiers", subject)
        check_id("wch", self.watch_id)
        check_id("gnt", self.grant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A watch as it stands; one that has ended is shown for a while."""

    watch_id: str
    account_ref: str
    purpose: str
    grant: str
    kinds: tuple[str, ...]
    made_at: int  # unix seconds
    expires_at: int  # unix seconds: renew it before
    ended_at: int | None
    ended_cause: str | None  # ACCOUNT, GRANT, MEMBERSHIP, EXPIRED or REMOVED
    replayed: bool = False


def add_watch(desk: Desk, new: NewWatch) -> Flow[Watch]:
    """Add a watch, from how things stand now."""
    epoch = desk.pins.current_epoch
    identifiers = subject_of(new.identifiers)
    tokens = yield from evaluate(identifiers, epoch)
    body: dict[str, object] = {
        "watch_id": new.watch_id,
        "account_ref": new.account_ref,
        "epoch": epoch.epoch,
        "tokens": token_list(identifiers, tokens),
        "purpose": new.purpose,
        "grant": new.grant,
        **({"kinds": list(new.kinds)} if new.kinds else {}),
    }
    reply = yield post_json("/v1/watches", body)
    return _watch(reply.json(), replayed=reply.replayed)


def list_watches() -> Flow[list[Watch]]:
    """List the member's watches, every page of them."""
    found: list[Watch] = []
    cursor: str | None = None
    while True:
        query = "" if cursor is None else f"&{urlencode({'cursor': cursor})}"
        reply = yield get(f"/v1/watches?limit=500{query}")
        page = reply.json()
        rows, following = page.get("watches"), page.get("next")
        if not isinstance(rows, list) or not isinstance(following, str | None):
            raise UnverifiedResponse("the list of watches is not in its form")
        found += [_watch(row) for row in rows]
        if following is None:
            return found
        cursor = following


def show_watch(watch_id: str) -> Flow[Watch]:
    """Fetch one watch."""
    reply = yield get(f"/v1/watches/{check_id('wch', watch_id)}")
    return _watch(reply.json())


def renew_watch(watch_id: str, grant: str | None) -> Flow[Watch]:
    """Let a watch live on from now, under its grant or another one."""
    body: dict[str, object] = {} if grant is None else {"grant": check_id("gnt", grant)}
    reply = yield post_json(f"/v1/watches/{check_id('wch', watch_id)}/renew", body)
    return _watch(reply.json(), replayed=reply.replayed)


def remove_watch(watch_id: str) -> Flow[Watch]:
    """End a watch."""
    reply = yield Call(method="DELETE", path=f"/v1/watches/{check_id('wch', watch_id)}")
    return _watch(reply.json(), replayed=reply.replayed)


def _watch(told: JSON, *, replayed: bool = False) -> Watch:
    one = told if isinstance(told, dict) else {}
    kinds = one.get("kinds")
    try:
        return Watch(
            watch_id=_text(one, "watch_id"),
            account_ref=_text(one, "account_ref"),
            purpose=_text(one, "purpose"),
            grant=_text(one, "grant"),
            kinds=tuple(map(str, kinds if isinstance(kinds, list) else [])),
            made_at=_moment(one, "made_at"),
            expires_at=_moment(one, "expires_at"),
            ended_at=None if one["ended_at"] is None else _moment(one, "ended_at"),
            ended_cause=None if one["ended_cause"] is None else _text(one, "ended_cause"),
            replayed=replayed,
        )
    except (KeyError, TypeError) as error:
        raise UnverifiedResponse("a watch is not in its form") from error


def _text(one: dict[str, JSON], name: str) -> str:
    value = one[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _moment(one: dict[str, JSON], name: str) -> int:
    value = one[name]
    if type(value) is not int:
        raise TypeError(name)
    return value
