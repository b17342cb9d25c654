"""Ask members for the evidence behind some of yesterday's grants, and end those never shown.

In:  a day; the newest signed checkpoint, which draws: nobody knows it when a grant is registered,
     and whoever holds the log can draw again.
Out: what was asked for, each with a leaf and an event for its member; and what was never shown
     within the profile's `evidence_days`, found never valid. Source: consent.md, 4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from consent.grants import GrantEvent, InvalidateCause, TransitionRefused, next_state
from exchange.services.evidence.show_evidence import awaited
from exchange.services.grants.change_grant import by_exchange, change_within
from exchange.services.grants.show_grant import Standing, standing
from exchange.services.grants.write_events import event_row, write_event_leaf
from exchange.services.log.ports import LogPorts
from exchange.services.ports import Ports

DAY_SECONDS = 86_400
SAMPLE = "sample"  # the coded reason of asking, before the size of the tree that drew
_RULE = b"credit-exchange/evidence-sample/1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What draws: a signed checkpoint of the access log."""

    size: int  # leaves
    root: bytes

    def choose(self, grant_ids: Sequence[UUID], permille: int) -> list[UUID]:
        """Return that many of a thousand, rounded up: those whose hash under the root is least.

        The hash is SHA-256 of the rule's name, a line feed, the root and the id's 16 bytes.
        """
        number = -(-len(grant_ids) * permille // 1000)

        def rank(one: UUID) -> bytes:
            return hashlib.sha256(_RULE + self.root + one.bytes).digest()

        return sorted(grant_ids, key=rank)[:number]


def sample_evidence(first: int, permille: int, log_ports: LogPorts) -> list[Standing]:
    """Ask for the evidence of grants registered on one day; a day is drawn once for a member.

    Args:
        first: unix seconds at which the day begins.
        permille: of a member's grants of the day; one at least, unless it is 0.
    """
    ports = log_ports.ports
    draw = _draw(log_ports)
    if draw is None:
        return []  # Nothing was signed yet, so nothing draws.
    with ports.begin() as work:
        members = [member.member for member, _ in work.members.all()]
    asked = []
    for member in members:
        with ports.begin() as work:
            registered = work.grants.registered(member, first, first + DAY_SECONDS)
        if not any(one.asked for one in registered):
            drawn = draw.choose([one.grant_id for one in registered], permille)
            found = [_ask(member, grant_id, draw, ports) for grant_id in drawn]
            asked += [one for one in found if one]
    return asked


def end_unshown(ports: Ports) -> list[Standing]:
    """Find those grants never valid whose evidence was not shown in time."""
    term = ports.terms.profile.evidence_days * DAY_SECONDS
    with ports.begin() as work:
        late = work.grants.unshown(ports.now() - term)
    ended = []
    for grantee, grant_id in late:
        with ports.begin() as work:
            work.grants.find(grantee, grant_id, lock=True)
            if awaited(work.grants.events(grantee, grant_id)) is None:
                continue  # It was shown a moment ago.
            change = by_exchange(
                GrantEvent.INVALIDATE, InvalidateCause.EVIDENCE_MISSING.value, ports
            )
            ended.append(change_within(grantee, grant_id, change, work, ports))
            work.commit()
    return ended


def _draw(log_ports: LogPorts) -> Draw | None:
    """Return the newest signed checkpoint; None before there is any."""
    with log_ports.begin() as work:
        log = work.tree.newest_log()
        state = work.tree.state(log.log_id) if log else None
    return Draw(size=state.size, root=state.root) if state and state.note else None


def _ask(member: str, grant_id: UUID, draw: Draw, ports: Ports) -> Standing | None:
    """Ask for the evidence of one grant; None where it was never in force."""
    change = by_exchange(GrantEvent.ASK_EVIDENCE, f"{SAMPLE}/{draw.size}", ports)
    with ports.begin() as work:
        stored = work.grants.find(member, grant_id, lock=True)
        if stored is None:
            return None
        stands = standing(stored, ports.now())
        try:
            after = next_state(stands.state, change.event, change.actor)
        except TransitionRefused:
            return None
        leaf_hash = write_event_leaf(stored, change, work, ports)
        work.grants.add_event(event_row(stored, change, after, leaf_hash, ports))
        work.commit()
    return stands
