"""Tell members that were answered that what they were given has been corrected.

    given = look_before(indices, work, ports)     before the record changes
    …                                             the change, in the same transaction
    tell_corrected(given, Cause.AMENDED, work, ports)

In:  the identity tokens (as indices) of the subject whose record an AMEND, a deletion or a closed
     dispute changes.
Out: for each member that asked about new credit within the profile's months: a leaf, and an event
     with the bands it was given that stood until now and that this change made others.
Kept out: what others reported since the answer. A band that had already become another is not told
anew, so a correction shows nothing that a fresh look would need a grant for.
Source: records.md, 4 (US: FCRA section 611(d), to be confirmed by counsel).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from consent.decision import Decision, Reason
from consent.grants import HeldGrant
from exchange.domain.findings import Velocity
from exchange.domain.ids import parse, show
from exchange.domain.outward.events import EventKind
from exchange.domain.strict_json import loads
from exchange.errors import IntegrityError
from exchange.services.events.ports import PastAsker
from exchange.services.events.shown_now import Glance, shown_now
from exchange.services.events.tell_looks import Look, tell_look
from exchange.services.ports import Ports, Work
from exchange.services.queries.write_answer import stored_claims

_MONTH_SECONDS = 31 * 86_400
_UNTOLD = {"velocity", "statement"}  # no correction of a record changes them


class Cause(StrEnum):
    """What corrected the record."""

    AMENDED = "AMENDED"
    DELETED = "DELETED"
    DISPUTE_CLOSED = "DISPUTE_CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An answer that a member was given, and what it would be shown a moment before the change."""

    asker: PastAsker
    grant: str  # id of the grant it asked by
    held: HeldGrant
    indices: tuple[bytes, ...]
    given: Mapping[str, object]
    before: Mapping[str, object]


def look_before(indices: Sequence[bytes], work: Work, ports: Ports) -> list[Given]:
    """Note what each member that was answered lately would be shown now.

    Args:
        indices: of the subject's identity tokens, the primary one first.
    """

    def shown(asker: PastAsker, held: HeldGrant) -> Mapping[str, object]:
        return _bands(asker, held, indices, work, ports)

    return _given(indices, shown, work, ports)


def look_after(
    indices: Sequence[bytes], before: Mapping[str, object], work: Work, ports: Ports
) -> list[Given]:
    """Note the same again after the change, by what was noted before it.

    Args:
        before: what each member would have been shown, by its id.
    """

    def noted(asker: PastAsker, _: HeldGrant) -> Mapping[str, object]:
        shown = before.get(asker.member)  # Who asked since has seen what stands now.
        return shown if isinstance(shown, dict) else {}

    return _given(indices, noted, work, ports)


def asked_since(ports: Ports) -> int:
    """Return from when on (unix seconds) whoever asked is told of corrections."""
    return ports.now() - ports.terms.profile.correction_notice_months * _MONTH_SECONDS


def _given(
    indices: Sequence[bytes],
    shown: Callable[[PastAsker, HeldGrant], Mapping[str, object]],
    work: Work,
    ports: Ports,
) -> list[Given]:
    found = []
    for asker in work.events.past_askers(indices, asked_since(ports)):
        claims = loads(stored_claims(asker.stored.digest, asker.stored, ports))
        if not isinstance(claims, dict):
            raise IntegrityError("the claims of an answer are no object")
        grant = claims["grant"]
        stored = (
            work.grants.find(asker.member, parse("gnt", grant, field="grant"))
            if isinstance(grant, str)
            else None
        )
        finding = claims["finding"]
        if stored is None or not isinstance(finding, dict):
            continue
        found.append(
            Given(
                asker=asker,
                grant=str(grant),
                held=stored.held,
                indices=tuple(indices),
                given={**finding, "outcome": claims["outcome"]},
                before=shown(asker, stored.held),
            )
        )
    return found


def tell_corrected(given: Sequence[Given], cause: Cause, work: Work, ports: Ports) -> int:
    """Tell the members whose bands this change made others; say how many."""
    told = 0
    for one in given:
        after = _bands(one.asker, one.held, one.indices, work, ports)
        changed = {
            name: after.get(name)
            for name, value in one.given.items()
            if name in one.before and value == one.before[name] != after.get(name)
        }
        if changed:
            tell_look(_look(one, cause, changed), work, ports)
            told += 1
    return told


def _look(given: Given, cause: Cause, changed: Mapping[str, object]) -> Look:
    query = show("qry", given.asker.query_id)
    return Look(
        member=given.asker.member,
        kind=EventKind.RECORD_CORRECTED,
        purpose=str(given.held.purpose),
        index=given.indices[0],
        about=given.asker.query_id,
        audit={"watch": query, "grant": given.grant, "reason": cause.value},
        facts={"query_id": query, "cause": cause.value},
        bands=changed,
    )


def _bands(
    asker: PastAsker, held: HeldGrant, indices: Sequence[bytes], work: Work, ports: Ports
) -> dict[str, object]:
    """Return what this member would be shown, as its grant permitted it."""
    profile = ports.terms.profile
    decision = Decision(
        permitted=True,
        reason=Reason.PERMITTED,
        policy=profile.ref,
        level=held.level,
        detail=held.detail,
        fields=held.fields - _UNTOLD,
        lookback_months=held.lookback_months,
        limits=(),
    )
    glance = Glance(
        member=asker.member, decision=decision, indices=indices, velocity=Velocity(0, 0, 0)
    )
    answer = shown_now(glance, work, ports)
    shown = answer.finding.as_claims() if answer.finding else {}
    return {**shown, "outcome": answer.outcome.value}
