"""Bring a log's newest checkpoint to its witnesses, and show it once a quorum has cosigned it.

In:  the newest signed checkpoint, and the witnesses of the policy.
Out: verified cosignatures, stored; the checkpoint that is shown; what each witness answered.
Order: a line counts only after its signature was verified here. A witness that knows a larger log,
or another one of our size, has seen what our database does not hold: that stops the log.
Source: C2SP tlog-witness and tlog-cosignature; log.md, 8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from typing import NamedTuple

from exchange.crypto.note_keys import note_signature_holds
from exchange.domain.log.policies import Policy, Witness
from exchange.domain.log.witnessing import AddCheckpoint, parse_lines, parse_size
from exchange.domain.merkle import consistency_ranges
from exchange.domain.notes import parse_note, signed_message
from exchange.domain.tiles import range_root, tiles_for
from exchange.errors import FormError, LogRolledBack, UnavailableError
from exchange.services.log.ports import LogPorts, LogRef, LogWork
from exchange.services.log.show_log import cosigned
from exchange.services.witnesses.ports import (
    Cosignature,
    Published,
    Reply,
    SignedCheckpoint,
    WitnessPort,
)

OK, CONFLICT, UNPROVEN = 200, 409, 422
NO_ANSWER = 0  # in place of a status


class Asked(NamedTuple):
    """What one witness answered in a round."""

    witness: str
    status: int  # of HTTP, or NO_ANSWER
    cosignature: Cosignature | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round brought."""

    log: LogRef
    size: int
    asked: tuple[Asked, ...]
    quorum_at: int | None  # of the checkpoint of this round; None: no quorum yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A checkpoint on its way to witnesses."""

    log: LogRef
    newest: SignedCheckpoint
    asking: tuple[Future[Asked], ...]  # one a witness, each with its own time limit
    quorum_at: int | None  # as it stood when it was sent


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitPorts:
    """What submitting may touch."""

    log_ports: LogPorts
    reach: Callable[[Witness], WitnessPort]
    executor: Executor  # witnesses are asked side by side: a slow one holds nobody up


def submit_checkpoint(log: LogRef, ports: SubmitPorts) -> Round | None:
    """Carry out one round for one log, to the last answer; None if it has no checkpoint yet.

    Raises:
        LogRolledBack: a witness has cosigned what this log does not contain.
        UnavailableError: the database is away.
    """
    sent = send_checkpoint(log, reachable(ports), ports)
    if sent is None:
        return None
    asked: dict[str, Asked] = {}
    quorum_at = sent.quorum_at
    for done in as_completed(sent.asking):  # Kept as they come: a slow one holds up no quorum.
        one = done.result()
        asked[one.witness] = one
        quorum_at = keep_answer(sent, one, ports) or quorum_at
    in_order = tuple(asked[one.key.name] for one in reachable(ports))
    return Round(log=log, size=sent.newest.size, asked=in_order, quorum_at=quorum_at)


def reachable(ports: SubmitPorts) -> list[Witness]:
    """List the witnesses that take submissions."""
    return [one for one in ports.log_ports.policy.witnesses if one.url]


def send_checkpoint(log: LogRef, to: Sequence[Witness], ports: SubmitPorts) -> Sent | None:
    """Send a log's newest checkpoint to witnesses, all at once; None if it has none yet.

    It is shown at once where it has its quorum already, or needs none.

    Raises:
        UnavailableError: the database is away.
    """
    with ports.log_ports.begin() as work:
        newest = work.publication.newest(log.log_id)
        if newest is None:
            return None
        bodies = [_body(log, one, newest, work) for one in to]
        quorum_at = _publish(log, newest, ports.log_ports.policy, work)
        work.commit()
    asking = tuple(
        ports.executor.submit(_ask, log, one, newest, body, ports)
        for one, body in zip(to, bodies, strict=True)
    )
    return Sent(log=log, newest=newest, asking=asking, quorum_at=quorum_at)


def keep_answer(sent: Sent, asked: Asked, ports: SubmitPorts) -> int | None:
    """Keep a cosignature, and show the checkpoint if it makes a quorum; say of when it is.

    One at a time: of two at once, neither would see the other's.

    Raises:
        UnavailableError: the database is away.
    """
    if asked.cosignature is None:
        return None
    log, newest = sent.log, sent.newest
    with ports.log_ports.begin() as work:
        work.publication.add_cosignatures(log.log_id, newest.size, [asked.cosignature])
        quorum_at = _publish(log, newest, ports.log_ports.policy, work)
        work.commit()
    return quorum_at


def _body(log: LogRef, witness: Witness, newest: SignedCheckpoint, work: LogWork) -> bytes:
    old = work.publication.cosigned_size(log.log_id, witness.key.name)
    return request_body(log, old, newest, work)


def request_body(log: LogRef, old: int, newest: SignedCheckpoint, work: LogWork) -> bytes:
    """Write a submission, with the proof that the tree of `old` leaves is a prefix."""
    ranges = consistency_ranges(min(old, newest.size), newest.size)
    wanted = tiles_for(ranges)
    tiles = work.tree.tiles(log.log_id, wanted) if wanted else {}
    path = tuple(range_root(each, tiles) for each in ranges)
    return AddCheckpoint(old_size=old, path=path, checkpoint=newest.note.encode()).print()


def _ask(
    log: LogRef, witness: Witness, newest: SignedCheckpoint, body: bytes, ports: SubmitPorts
) -> Asked:
    """Submit; where the witness names another size, once more from there."""
    port, name = ports.reach(witness), witness.key.name
    try:
        reply = port.add_checkpoint(body)
        if reply.status == CONFLICT:
            size = parse_size(reply.body)
            if size is None:
                return Asked(name, CONFLICT, None)
            with ports.log_ports.begin() as work:
                _refuse_larger(log, witness, size, work)
                if size > newest.size:
                    return Asked(name, CONFLICT, None)  # Ours has grown meanwhile: next round.
                body = request_body(log, size, newest, work)
            reply = port.add_checkpoint(body)
            if _disagrees(reply, size, newest):
                raise LogRolledBack(f"{log.origin}: {name} cosigned another root of {size} leaves")
    except UnavailableError:
        return Asked(name, NO_ANSWER, None)
    return Asked(name, reply.status, _verified(reply, witness, newest))


def _disagrees(reply: Reply, size: int, newest: SignedCheckpoint) -> bool:
    """Tell whether a witness refuses our proof from the very size that it named.

    A root of that size that is not ours is 422 in tlog-witness v1.1.0, and was 409 before.
    """
    same = size == newest.size == parse_size(reply.body)
    return reply.status == UNPROVEN or (reply.status == CONFLICT and same)


def _refuse_larger(log: LogRef, witness: Witness, size: int, work: LogWork) -> None:
    state = work.tree.state(log.log_id)
    if size > state.size:
        raise LogRolledBack(
            f"{log.origin}: {witness.key.name} cosigned {size} leaves; here are {state.size}"
        )


def _verified(reply: Reply, witness: Witness, newest: SignedCheckpoint) -> Cosignature | None:
    """Return the witness's line, if there is one and it signs this checkpoint."""
    if reply.status != OK:
        return None
    key, text = witness.key, parse_note(newest.note.encode()).text
    try:
        for line in parse_lines(reply.body):
            if (line.name, line.key_id) == (key.name, key.key_id):
                message, signature = signed_message(key, text, line.signature)
                if note_signature_holds(key, message, signature):
                    signed_at = int.from_bytes(line.signature[:8], "big")
                    return Cosignature(key.name, signed_at, line.print())
    except FormError:
        return None
    return None


def _publish(log: LogRef, newest: SignedCheckpoint, policy: Policy, work: LogWork) -> int | None:
    held = work.publication.cosignatures(log.log_id, newest.size)
    times: Mapping[str, int] = {one.witness: one.signed_at for one in held}  # newest last
    fresh_at = policy.fresh_at(times)
    if fresh_at is not None:
        note = cosigned(newest.note, held).decode()
        shown = Published(newest.size, newest.root, note, fresh_at)
        work.publication.publish(log.log_id, shown)
    return fresh_at
