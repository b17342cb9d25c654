"""Add, renew, list and remove the watches of a member.

Ids are made by the member: the same id with the same bytes is one watch, however often it is sent.
Somebody else's watch and none at all are the same answer. What a watch is refused for is told with
the field and the rule, and depends on nothing that others report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from consent.decision import Decision
from consent.purposes import Purpose
from consent.reciprocity import Earned
from exchange.domain.ids import show
from exchange.domain.lists.pages import Page, PageAsk, page_of
from exchange.domain.members import Member
from exchange.domain.outward.events import EventKind
from exchange.domain.outward.watches import EndCause, seen_in, told_under
from exchange.errors import (
    AbsentError,
    Fault,
    InvalidWatch,
    SignatureError,
    TooManyWatches,
    WatchConflict,
    WatchEnded,
)
from exchange.services.log.write_leaves import LeafDraft, write_leaves
from exchange.services.ports import Ports, Work
from exchange.services.watches.judge_watch import Basis, judge_watch, look
from exchange.services.watches.ports import Watch, WatchKey, WatchToken
from exchange.services.watches.seal_seen import seal_seen

DAY_SECONDS = 86_400
# What was under way when a watch was added is seen by its first look, soon after.
FIRST_LOOK_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPorts:
    """Everything that the services of watches may touch."""

    ports: Ports
    per_member_max: int
    life_seconds: int  # of a watch that nobody renews
    ended_keep_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWatch:
    """A watch as it is asked for."""

    watch_id: UUID
    account_ref: str
    epoch: str
    tokens: tuple[bytes, ...]  # identity tokens, primary first
    purpose: Purpose
    grant_id: UUID
    kinds: tuple[EventKind, ...]  # of events; none: all that purpose and grant can make
    digest: bytes  # SHA-256 of what was sent


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchView:
    """A watch as its member sees it."""

    watch: Watch
    replayed: bool = False  # the request came before, and changed nothing now


def add_watch(member: str, new: NewWatch, desk: WatchPorts) -> WatchView:
    """Watch the borrower of an open account, from how things stand now.

    Raises:
        InvalidWatch: account, tokens, grant or kinds refuse it.
        WatchConflict: the id was used before for another watch.
        TooManyWatches: the member has as many as it may have.
        ClosedEpoch: the epoch named is not open.
        UnavailableError: the log of this year is not open yet.
    """
    ports, key = desk.ports, WatchKey(member, new.watch_id)
    given = set(ports.keyring.index_each(new.epoch, list(new.tokens)))
    with ports.begin() as work:
        if stored := work.watches.find(key):
            return _replayed(stored, new.digest)
        indices = work.watches.account(member, new.account_ref)
        _check_account(given, indices)
        basis = Basis(
            member=_member(member, work),
            purpose=new.purpose,
            grant_id=new.grant_id,
            indices=indices,
        )
        decision = _judged(basis, work, ports)
        kinds = _kinds(new, decision)
        seen = seen_in(look(member, decision, indices, work, ports), decision.fields)
        watch = _watch(key, new, kinds, desk)._replace(
            tokens=indices, seen=seal_seen(seen, key, ports)
        )
        _log(watch, "WATCH_ADDED", work, ports)
        if not work.watches.add(watch, tokens_of(indices, ports), desk.per_member_max):
            raise TooManyWatches(f"at most {desk.per_member_max}; remove one first")
        work.commit()
    return WatchView(watch=watch)


def renew_watch(key: WatchKey, grant_id: UUID | None, desk: WatchPorts) -> WatchView:
    """Let a watch live on from now, under its grant or another one.

    Raises:
        AbsentError: the member has no such watch.
        WatchEnded: it has ended.
        InvalidWatch: account or grant refuse it.
    """
    ports = desk.ports
    with ports.begin() as work:
        watch = _held(key, work)
        if watch.ended_at is not None:
            raise WatchEnded
        renewed = watch._replace(
            grant_id=grant_id or watch.grant_id,
            expires_at=ports.now() + desk.life_seconds,
            look_at=min(watch.look_at, ports.now() + FIRST_LOOK_SECONDS),
        )
        if (
            renewed.grant_id == watch.grant_id
            and renewed.expires_at - watch.expires_at < DAY_SECONDS
        ):
            return WatchView(watch=watch, replayed=True)  # It was renewed this very day.
        indices = work.watches.account(key.member, watch.account_ref)
        basis = Basis(
            member=_member(key.member, work),
            purpose=Purpose(watch.purpose),
            grant_id=renewed.grant_id,
            indices=indices,
        )
        _judged(basis, work, ports)
        _log(renewed, "WATCH_RENEWED", work, ports)
        work.watches.keep(renewed)
        work.commit()
    return WatchView(watch=renewed)


def remove_watch(key: WatchKey, ports: Ports) -> WatchView:
    """End a watch at its member's wish; one that has ended stays as it ended.

    Raises:
        AbsentError: the member has no such watch.
    """
    with ports.begin() as work:
        watch = _held(key, work)
        if watch.ended_at is not None:
            return WatchView(watch=watch, replayed=True)
        ended = ended_by(watch, EndCause.REMOVED, ports.now())
        _log(ended, EventKind.WATCH_ENDED, work, ports)
        work.watches.end(ended)
        work.commit()
    return WatchView(watch=ended)


def show_watch(key: WatchKey, ports: Ports) -> Watch:
    """Show a watch of the member, live or ended lately.

    Raises:
        AbsentError: the member has no such watch.
    """
    with ports.begin() as work:
        watch = work.watches.find(key)
    if watch is None:
        raise AbsentError
    return watch


def list_watches(member: str, ask: PageAsk, ports: Ports) -> Page[Watch]:
    """Return a page of the member's watches, in the order of their ids."""
    with ports.begin() as work:
        found = work.watches.listed(member, UUID(ask.after) if ask.after else None, ask.fetch)
    return page_of(found, ask, lambda watch: watch.key.watch_id.hex)


def ended_by(watch: Watch, cause: EndCause, now: int) -> Watch:
    """Return a watch as it ended."""
    return watch._replace(ended_at=now, ended_cause=cause.value)


def tokens_of(indices: Sequence[bytes], ports: Ports) -> list[WatchToken]:
    """Return tokens as they are watched."""
    return [WatchToken(index, ports.keyring.pseudonym(index)) for index in indices]


def _watch(key: WatchKey, new: NewWatch, kinds: tuple[str, ...], desk: WatchPorts) -> Watch:
    now = desk.ports.now()
    return Watch(
        key=key,
        account_ref=new.account_ref,
        purpose=new.purpose.value,
        grant_id=new.grant_id,
        kinds=kinds,
        digest=new.digest,
        made_at=now,
        expires_at=now + desk.life_seconds,
        look_at=now + FIRST_LOOK_SECONDS,
        ended_at=None,
        ended_cause=None,
        tokens=(),
        seen=None,
    )


def _held(key: WatchKey, work: Work) -> Watch:
    watch = work.watches.find(key, lock=True)
    if watch is None:
        raise AbsentError
    return watch


def _replayed(stored: Watch, digest: bytes) -> WatchView:
    if stored.digest != digest:
        raise WatchConflict("this id is registered otherwise", field="watch_id")
    return WatchView(watch=stored, replayed=True)


def _check_account(given: set[bytes], indices: Sequence[bytes]) -> None:
    if not indices:
        raise _refused("account_ref", "account.none", "must be an open account of the member")
    if not given <= set(indices):
        raise _refused("tokens", "watch.tokens", "must be tokens of the account's own record")


def _judged(basis: Basis, work: Work, ports: Ports) -> Decision:
    _check_account(set(), basis.indices)
    # A shallow contribution may deepen; what it takes away is taken when an event is made.
    decision = judge_watch(basis, Earned.ALL, work, ports)
    if not decision.permitted:
        raise _refused("grant", decision.reason, "must be a live grant for this purpose")
    return decision


def _member(member: str, work: Work) -> Member:
    found = work.members.find(member)
    if found is None:
        raise SignatureError  # Gone since the request was let in.
    return found


def _kinds(new: NewWatch, decision: Decision) -> tuple[str, ...]:
    possible = told_under(new.purpose, decision.fields)
    if not possible.issuperset(new.kinds) or not possible:
        listed = ", ".join(sorted(possible)) or "none"
        raise _refused("kinds", "watch.kinds", f"purpose and grant let it be told of: {listed}")
    return tuple(sorted(new.kinds or possible))


def _refused(field: str, code: str, expected: str) -> InvalidWatch:
    return InvalidWatch(expected, faults=(Fault(f"/{field}", code, expected),))


def _log(watch: Watch, event: str, work: Work, ports: Ports) -> None:
    draft = LeafDraft(
        kind="watch",
        member=watch.key.member,
        subject=ports.keyring.pseudonym(watch.tokens[0]),
        subject_slot={"purpose": watch.purpose, "event": event},
        audit_slot={
            "watch": show("wch", watch.key.watch_id),
            "grant": show("gnt", watch.grant_id),
            "reason": watch.ended_cause or "permitted",
        },
        purpose=watch.purpose,
    )
    write_leaves(work, [draft], ports, ports.now())
