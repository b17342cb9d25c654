"""Register a grant: verified once, so that each use is checked cheaply.

In:  the artefact as the member signed it, and the subject's current token.
Out: the grant, bound to the token's index; artefact kept byte for byte, and a leaf.
Order: form, key, signature, schema, cross-field rules, policy, withdrawal rule, claim; the first
that fails refuses and nothing stays. The registry of notices is not built yet: an artefact's
notice is checked for its form and its hash alone. Source: consent.md, 6.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from consent.artefact import Artefact, check_together, parse_artefact
from consent.claims import ArtefactRefused
from consent.grants import Actor, GrantEvent, GrantState, next_state
from consent.terms import check_policy, hold
from exchange.crypto.signing import ParsedJws, claims_of, parse_jws, verify_jws
from exchange.domain.ids import parse, uuid7
from exchange.domain.queries import Asker
from exchange.errors import Fault, GrantConflict, InvalidGrant, SignatureError
from exchange.services.grant_ports import GrantEventRow, NewGrant, StoredGrant
from exchange.services.ports import Ports, Work
from exchange.services.write_leaves import LeafDraft, standard_base64, write_leaves

GRANT_TYPE = "cx-grant+jws"
ARTEFACT_BYTES_MAX = 4 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A registered grant."""

    grant: StoredGrant
    replayed: bool  # it was registered before, from the same bytes


def register_grant(
    artefact: str, token: bytes, epoch: str, caller: Asker, ports: Ports
) -> Registered:
    """Register an artefact under its own id and bind it to the subject's current token.

    Raises:
        InvalidGrant: the artefact is refused; the fault's code names the step.
        GrantConflict: the id was registered before from other bytes.
        ClosedEpoch: the epoch named is not open.
    """
    now = ports.now()
    parsed = _parse(artefact, caller)
    try:
        claims = claims_of(parsed)
        read = parse_artefact(claims)
        check_together(read, signer=caller.member, exchange=ports.terms.issuer, now=now)
        check_policy(read, ports.terms.profile, caller.roles)
    except SignatureError as error:
        raise _refused("form", "", str(error)) from error
    except ArtefactRefused as error:
        raise _refused(error.step, error.field, str(error)) from error
    new = NewGrant(
        grant_id=parse("gnt", read.jti, field="artefact"),
        token_index=ports.keyring.index(epoch, token),
        epoch=epoch,
        held=hold(read, next_state(None, GrantEvent.REGISTER, Actor.GRANTEE)),
        artefact=artefact.encode(),
        digest=hashlib.sha256(artefact.encode()).digest(),
        kid=parsed.kid,
        policy=ports.terms.profile.ref,
    )
    with ports.begin() as work:
        _verify(parsed, read.iat, work)
        if stored := work.grants.find(caller.member, new.grant_id):
            if stored.digest != new.digest or stored.token_index != new.token_index:
                raise GrantConflict("this id is registered from other bytes", field="artefact")
            return Registered(grant=stored, replayed=True)
        _check_withdrawal(read, new, work)
        _store(new, read, ports, work, now)
        work.commit()
    stored = StoredGrant(*new[:4], new.digest, new.policy, now)
    return Registered(grant=stored, replayed=False)


def _parse(artefact: str, caller: Asker) -> ParsedJws:
    try:
        parsed = parse_jws(artefact, typ=GRANT_TYPE, max_bytes=ARTEFACT_BYTES_MAX)
    except SignatureError as error:
        raise _refused("form", "", str(error)) from error
    if parsed.kid.partition("/")[0] != caller.member:
        raise _refused("key", "kid", "must be a key of the member that registers")
    return parsed


def _verify(parsed: ParsedJws, issued_at: int, work: Work) -> None:
    member, _, key_name = parsed.kid.partition("/")
    key = work.members.find_key(member, key_name)
    if key is None or not key.live(issued_at):
        raise _refused("key", "kid", "must be a key that was live at iat")
    try:
        verify_jws(parsed, key)
    except SignatureError as error:
        raise _refused("signature", "", str(error)) from error


def _check_withdrawal(artefact: Artefact, new: NewGrant, work: Work) -> None:
    withdrawn = work.grants.withdrawn_at(new.token_index, new.held.grantee, artefact.purpose)
    if withdrawn is not None and artefact.iat <= withdrawn:
        raise _refused("after_withdrawal", "iat", "must follow the subject's withdrawal")


def _store(new: NewGrant, artefact: Artefact, ports: Ports, work: Work, now: int) -> None:
    draft = LeafDraft(
        kind="grant",
        member=new.held.grantee,
        subject=ports.keyring.pseudonym(new.token_index),
        subject_slot={"purpose": artefact.purpose.value, "event": GrantEvent.REGISTER.value},
        audit_slot={
            "grant": artefact.jti,
            "artefact_sha256": standard_base64(new.digest),
            "level": new.held.level,
            "policy": new.policy,
            "key": new.kid,
        },
        purpose=artefact.purpose.value,
    )
    leaf = write_leaves(work, [draft], ports, now)[0]
    work.grants.register(new, leaf.leaf_hash, now)
    work.grants.add_event(
        GrantEventRow(
            event_id=uuid7(ports.now_ms(), ports.random_bytes),
            grantee=new.held.grantee,
            grant_id=new.grant_id,
            event=GrantEvent.REGISTER.value,
            actor=Actor.GRANTEE.value,
            state=GrantState.ACTIVE.value,
            reason="",
            acted_at=artefact.iat,
            effective_at=now,
            leaf_hash=leaf.leaf_hash,
        )
    )


def _refused(step: str, field: str, expected: str) -> InvalidGrant:
    pointer = f"/artefact/{field}" if field else "/artefact"
    return InvalidGrant(expected, faults=(Fault(pointer, f"grant.{step}", expected),))
