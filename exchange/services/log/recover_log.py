"""Give up a log that cannot be continued, and open another in its place, under a new key.

In:  two people's word, the last checkpoint that was signed or cosigned, a new checkpoint key, and
     the new log's name in the settings.
Out: the new log, whose first leaf names where the old one stood, an `admin` leaf that names both
     people, and every receipt whose leaf will never be proven.
Order: everything is checked before anything is written; then one transaction. The old log is closed
and never signed again: a fork is never continued. Source: log.md, 7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from exchange.crypto.keyring import Use
from exchange.crypto.note_keys import note_signature_holds
from exchange.domain.base64url import b64url
from exchange.domain.leaves import JsonValue
from exchange.domain.merkle import TreeHead
from exchange.domain.notes import open_note, parse_checkpoint
from exchange.errors import ConflictError, FormError, InvalidField
from exchange.services.log.approve import Approval, write_approved
from exchange.services.log.open_log import open_leaf
from exchange.services.log.ports import LogPorts, LogRef, LogWork, Unproven, log_key
from exchange.services.log.write_leaves import standard_base64


class UnprovenReceipt(NamedTuple):
    """A receipt whose leaf will never be proven."""

    leaf: str  # leaf hash, base64url, as receipts name it
    kind: str
    member: str
    t: int  # unix seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What was given up, and what took its place."""

    given_up: str  # origin
    signed_size: int  # leaves that its last checkpoint covers
    held: int  # of which this database has so many
    opened: str  # origin
    unproven: tuple[UnprovenReceipt, ...]


def recover_log(
    approval: Approval, note: bytes | None, outside: Callable[[str], bytes], log_ports: LogPorts
) -> Recovered:
    """Open the log that the settings name in place of the one that was active.

    Args:
        approval: two people.
        note: the last checkpoint that was cosigned; None: the one kept outside the database.
        outside: returns what is kept outside, by origin; b"" if nothing is.

    Raises:
        InvalidField: one person alone, no new name, no new key, or a note that is not the log's.
        ConflictError: there is no log to give up, or this was done before.
    """
    ports = log_ports.ports
    now = ports.now()
    origin = ports.origin(now)
    approval.check()
    with log_ports.begin() as work:
        work.tree.hold_writers()
        old = _old(origin, work)
        last = note if note is not None else outside(old.origin)
        head = _signed_head(old, last, log_ports)
        held = work.tree.state(old.log_id).size
        unproven = work.tree.unproven(old.log_id)
        work.tree.close_log(old.log_id, now)
        log_id = work.tree.create_log(origin, now)
        if log_id is None:
            raise ConflictError(f"{origin} stands already")
        previous: dict[str, JsonValue] = {
            "origin": old.origin,
            "size": head.size,
            "root": standard_base64(head.root),
        }
        row = open_leaf(work, log_id, {"previous": previous}, (ports, now))
        work.log.append([row], log_id=log_id, now=now)
        write_approved("log.recovered", approval, work, log_ports)
        work.commit()
    return Recovered(
        given_up=old.origin,
        signed_size=head.size,
        held=min(held, head.size),
        opened=origin,
        unproven=tuple(map(_shown, unproven)),
    )


def _old(origin: str, work: LogWork) -> LogRef:
    old = work.tree.newest_log()
    if old is None:
        raise ConflictError("there is no log to give up")
    if old.origin == origin:
        raise InvalidField(
            f"{origin} is the log that would be given up; name the new one, such as "
            f"{origin.rpartition('/')[2][:4]}-r1, in every process's settings",
            field="log_restart",
        )
    return old


def _signed_head(old: LogRef, note: bytes, log_ports: LogPorts) -> TreeHead:
    """Read the old log's last checkpoint: under a key we held and use no more."""
    keyring = log_ports.ports.keyring
    keys = [
        log_key(old.origin, one.public_key)
        for one in keyring.public_keys()
        if one.use is Use.CHECKPOINT
    ]
    try:
        opened, signed = open_note(note, keys, note_signature_holds)
        checkpoint = parse_checkpoint(opened.text)
    except FormError as error:
        raise InvalidField(f"is no checkpoint: {error}", field="checkpoint") from error
    if not signed or checkpoint.origin != old.origin:
        raise InvalidField(f"is not a checkpoint of {old.origin}", field="checkpoint")
    if log_key(old.origin, keyring.checkpoint_public_key) in signed:
        raise InvalidField(
            "signed the log that is given up; `exchange keys renew-checkpoint` makes a new one",
            field="checkpoint_key",
        )
    return checkpoint.head


def _shown(one: Unproven) -> UnprovenReceipt:
    return UnprovenReceipt(b64url(one.leaf_hash), one.kind, one.member, one.t)
