"""Look again for one watch, and tell its member what changed: one transaction.

    1 hold the watch; another process that holds it makes this one pass on
    2 end it where its time, its member or its account is over
    3 judge purpose and grant as for any look (`judge_watch`); refused for good, it ends; refused
      for now, nothing is looked at and it waits
    4 look, and compare with what was seen last
    5 each change of a kind that the member asked for is a leaf and an event; a second one of its
      kind on the same day is told on the next
    6 keep what was seen, sealed, and when to look next; commit

Cut short anywhere, nothing of it is there, and the watch is still due.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from consent.decision import Decision, Reason
from consent.purposes import Purpose
from exchange.domain.findings import Answer
from exchange.domain.ids import show
from exchange.domain.members import Member, MemberStatus
from exchange.domain.outward.events import EventKind
from exchange.domain.outward.watches import (
    FINAL_REASONS,
    EndCause,
    changes,
    remembered,
    seen_in,
)
from exchange.domain.records import today_in
from exchange.services.events.tell_looks import Look, tell_look
from exchange.services.ports import Ports, Work
from exchange.services.watches.judge_watch import Basis, judge_watch, look
from exchange.services.watches.manage_watches import DAY_SECONDS, ended_by, tokens_of
from exchange.services.watches.ports import Watch, WatchKey
from exchange.services.watches.seal_seen import open_seen, seal_seen


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A watch that this transaction holds, and the tokens of its account."""

    watch: Watch
    indices: tuple[bytes, ...]  # primary first; none where the account is no longer open
    work: Work
    ports: Ports


def look_again(key: WatchKey, ports: Ports) -> int:
    """Look for one watch that is due; say how many events that made.

    Raises:
        IntegrityError: something stored does not open.
        UnavailableError: the log of this year is not open yet.
    """
    with ports.begin() as work:
        watch = work.watches.take(key, ports.now())
        if watch is None:
            return 0
        indices = work.watches.account(key.member, watch.account_ref)
        told = _look_again(_Held(watch=watch, indices=indices, work=work, ports=ports))
        work.commit()
    return told


def put_off(key: WatchKey, ports: Ports) -> None:
    """Look again for a watch tomorrow."""
    with ports.begin() as work:
        if watch := work.watches.take(key, ports.now()):
            work.watches.keep(_later(watch, ports.now()))
            work.commit()


def _look_again(held: _Held) -> int:
    watch, work, ports = held.watch, held.work, held.ports
    now, member = ports.now(), work.members.find(watch.key.member)
    if now >= watch.expires_at:
        return _end(held, EndCause.EXPIRED)
    if member is None or member.status is MemberStatus.RETIRED:
        return _end(held, EndCause.MEMBERSHIP)
    if not held.indices:
        return _end(held, EndCause.ACCOUNT)
    decision = _judged(held, member)
    if decision.reason is Reason.GRANT_SUPERSEDED:
        new = work.watches.successor(member.member, watch.grant_id)
        if new is not None:  # The renewed grant carries it on.
            held = replace(held, watch=watch._replace(grant_id=new))
            return _by_grant(held, _judged(held, member))
    return _by_grant(held, decision)


def _judged(held: _Held, member: Member) -> Decision:
    basis = Basis(
        member=member,
        purpose=Purpose(held.watch.purpose),
        grant_id=held.watch.grant_id,
        indices=held.indices,
    )
    earned = held.work.watches.earned(member.member, held.ports.now())
    return judge_watch(basis, earned, held.work, held.ports)


def _by_grant(held: _Held, decision: Decision) -> int:
    if decision.reason in FINAL_REASONS:
        return _end(held, EndCause.GRANT, decision.reason)
    if not decision.permitted:
        held.work.watches.keep(_later(held.watch, held.ports.now()))
        return 0
    return _compare(held, decision)


def _compare(held: _Held, decision: Decision) -> int:
    watch, work, ports = held.watch, held.work, held.ports
    answer = look(watch.key.member, decision, held.indices, work, ports)
    before, after = open_seen(watch, ports), seen_in(answer, decision.fields)
    found = changes(before, after, [EventKind(kind) for kind in watch.kinds])
    today = today_in(ports.terms.profile.timezone, ports.now())
    untold = [kind for kind in found if not _tell(held, kind, answer, today)]
    kept = remembered(before, after, untold)
    if kept != before:
        watch = watch._replace(seen=seal_seen(kept, watch.key, ports))
    if held.indices != watch.tokens:  # The account stands under other tokens by now.
        watch = watch._replace(tokens=held.indices)
        work.watches.retoken(watch.key, tokens_of(held.indices, ports))
    work.watches.keep(_later(watch, ports.now()))
    return len(found) - len(untold)


def _tell(held: _Held, kind: EventKind, answer: Answer, today: date) -> bool:
    """Tell of one change, with the bands as they are now; False if that was done today."""
    key = held.watch.key
    shown = answer.finding.as_claims() if answer.finding else {}
    graded = {} if answer.grade is None else {"grade": answer.grade}
    told = replace(
        _event(held.watch, kind, answer.reason),
        bands={**shown, **graded, "outcome": answer.outcome.value},
        once=f"watch/{key.member}/{key.watch_id}/{kind}/{today}",
    )
    return tell_look(told, held.work, held.ports)


def _end(held: _Held, cause: EndCause, reason: str = "") -> int:
    """End a watch and tell its member."""
    told = _event(held.watch, EventKind.WATCH_ENDED, reason or cause.value)
    facts = {**told.facts, "cause": cause.value, **({"reason": reason} if reason else {})}
    tell_look(replace(told, facts=facts), held.work, held.ports)
    held.work.watches.end(ended_by(held.watch, cause, held.ports.now()))
    return 1


def _event(watch: Watch, kind: EventKind, reason: str) -> Look:
    watch_id, grant = show("wch", watch.key.watch_id), show("gnt", watch.grant_id)
    return Look(
        member=watch.key.member,
        kind=kind,
        purpose=watch.purpose,
        index=watch.tokens[0],
        about=watch.key.watch_id,
        audit={"watch": watch_id, "grant": grant, "reason": reason},
        facts={"watch_id": watch_id, "account_ref": watch.account_ref, "grant_id": grant},
    )


def _later(watch: Watch, now: int) -> Watch:
    """Return a watch that was looked at now: time alone changes findings as well."""
    return watch._replace(look_at=min(now + DAY_SECONDS, watch.expires_at))
