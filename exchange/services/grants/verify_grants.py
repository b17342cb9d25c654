"""Verify every stored artefact again, nightly, and freeze the grants of a member that differ.

In:  the registry as it stands.
Out: what differs, each by its grant: bytes from their digest, a signature from its key, a row from
     its artefact, or all of them from the leaf that the registration left in the log.
A member with one difference has its active grants paused by the exchange, each with a leaf, and a
flag tells the regulator; the exchange alone lets them go on. Source: consent.md, 6.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from consent.artefact import parse_artefact
from consent.claims import ArtefactRefused
from consent.grants import GrantEvent, GrantState
from consent.terms import hold
from exchange.crypto.signing import claims_of, parse_jws, verify_jws
from exchange.domain.ids import show
from exchange.domain.leaves import Slot, opening_aad, unpad_opening
from exchange.errors import AbsentError, GrantTransition, IntegrityError, SignatureError
from exchange.services.grants.change_grant import by_exchange, change_grant
from exchange.services.grants.ports import KeptArtefact, SealedLook, StoredGrant
from exchange.services.grants.read_artefact import GRANT_TYPE
from exchange.services.log.write_leaves import (
    LeafDraft,
    opening_key,
    standard_base64,
    write_leaves,
)
from exchange.services.ports import Ports, Work

ROWS_MAX = 500  # artefacts a transaction
RULE = "grant_integrity/1"
INTEGRITY = "integrity"  # the coded reason of a freeze
_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One stored grant that is not what was registered."""

    member: str
    grant_id: UUID
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What the check found."""

    grants: int
    differences: tuple[Difference, ...]
    frozen: int  # grants paused because of them


def verify_grants(ports: Ports) -> Verified:
    """Check every grant of every member; freeze those of a member with a difference."""
    with ports.begin() as work:
        members = [member.member for member, _ in work.members.all()]
    checked, found, frozen = 0, [], 0
    for member in members:
        differences = []
        for kept in pages(member, ports):
            checked += len(kept)
            differences += _differences(member, kept, ports)
        if differences:
            frozen += _freeze(member, differences, ports)
        found += differences
    return Verified(grants=checked, differences=tuple(found), frozen=frozen)


def pages(member: str, ports: Ports) -> Iterator[list[KeptArtefact]]:
    """Yield the artefacts of a member, a page a transaction."""
    after = _FIRST
    while True:
        with ports.begin() as work:
            kept = work.grants.kept(member, after, ROWS_MAX)
        if not kept:
            return
        yield kept
        after = kept[-1].grant_id


def _differences(member: str, kept: list[KeptArtefact], ports: Ports) -> list[Difference]:
    found = []
    with ports.begin() as work:
        for one in kept:
            what = _difference(member, one, work, ports)
            if what:
                found.append(Difference(member=member, grant_id=one.grant_id, what=what))
    return found


def _difference(member: str, kept: KeptArtefact, work: Work, ports: Ports) -> str:
    """Say what differs of one grant; "" where nothing does."""
    stored = work.grants.find(member, kept.grant_id)
    if stored is None:
        return "the row that uses are judged by is missing"
    if hashlib.sha256(stored.artefact).digest() != stored.digest:
        return "the artefact is not what its digest says"
    return (
        _signature(stored, kept, work)
        or _row(stored)
        or _leaf(stored, work.grants.registration(stored.leaf_hash), ports)
    )


def _signature(stored: StoredGrant, kept: KeptArtefact, work: Work) -> str:
    member, _, key_name = kept.kid.partition("/")
    key = work.members.find_key(member, key_name)
    try:
        parsed = parse_jws(stored.artefact.decode("ascii"), typ=GRANT_TYPE)
        if key is None or parsed.kid != kept.kid:
            return "the key that signed it is not known"
        verify_jws(parsed, key)
    except (SignatureError, UnicodeDecodeError):
        return "the signature does not hold"
    return ""


def _row(stored: StoredGrant) -> str:
    try:
        claims = claims_of(parse_jws(stored.artefact.decode("ascii"), typ=GRANT_TYPE))
        artefact = parse_artefact(claims)
    except (SignatureError, ArtefactRefused):
        return "the artefact cannot be read any more"
    held = stored.held
    counted = hold(artefact, held.state)
    agreed = replace(
        counted,
        uses=held.uses,
        window_start=held.window_start,
        window_uses=held.window_uses,
        # Before the borrower's answer a request ends with its time to answer.
        expires=min(counted.expires, held.expires) if _unanswered(held.state) else counted.expires,
    )
    within = held.max_uses is None or held.uses <= held.max_uses
    named = artefact.jti == show("gnt", stored.grant_id)
    return "" if agreed == held and within and named else "the row is not what the artefact says"


def _unanswered(state: GrantState) -> bool:
    return state in {GrantState.REQUESTED, GrantState.REJECTED, GrantState.INVALIDATED}


def _leaf(stored: StoredGrant, look: SealedLook | None, ports: Ports) -> str:
    if look is None:
        return "the log has no leaf of its registration"
    if not look.wrapped:
        return ""  # Its key was destroyed, as an erasure does: the log says nothing more.
    key = opening_key(look.key_id, look.kek_id, look.wrapped, ports)
    aad = opening_aad(look.origin, look.leaf_hash, Slot.AUDIT, look.key_id)
    try:
        told = json.loads(unpad_opening(key.open(look.audit_sealed, aad)).payload)
    except IntegrityError:
        return "the leaf of its registration does not open"
    expected = (show("gnt", stored.grant_id), standard_base64(stored.digest))
    same = (told["grant"], told["artefact_sha256"]) == expected
    return "" if same else "the log says another artefact was registered"


def _freeze(member: str, differences: list[Difference], ports: Ports) -> int:
    """Pause what is active of a member, each grant by itself; flag it to the regulator."""
    frozen = 0
    for kept in pages(member, ports):
        for one in kept:
            change = by_exchange(GrantEvent.PAUSE, INTEGRITY, ports)
            try:
                frozen += not change_grant(member, one.grant_id, change, ports).replayed
            except (GrantTransition, AbsentError):
                continue  # It is over, asked for or paused already, or its row is gone.
    _flag(member, differences, ports)
    return frozen


def _flag(member: str, differences: list[Difference], ports: Ports) -> None:
    now = ports.now()
    hits = [f"{show('gnt', one.grant_id)}: {one.what}" for one in differences[:ROWS_MAX]]
    draft = LeafDraft(
        kind="flag",
        member=member,
        subject_slot={"rule": RULE, "from": now, "to": now},
        audit_slot={"hits": hits, "parameters": {"differences": len(differences)}},
    )
    with ports.begin() as work:
        write_leaves(work, [draft], ports, now)
        work.commit()
