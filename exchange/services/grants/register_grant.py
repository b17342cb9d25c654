"""Register a grant: verified once, so that each use is checked cheaply.

In:  the artefact as the member signed it, and the subject's current token.
Out: the grant, bound to the token's index; artefact kept byte for byte, and a leaf.
Order: form, key, signature, schema, cross-field rules, policy, claim, leaf, withdrawal rule, row;
the first that fails refuses and nothing stays. Source: consent.md, 6.
Not built yet: the registry of notices (a notice is checked for its form and language alone), the
borrower's own signature (level 2 and 3), and artefacts that supersede another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from consent.artefact import ARTEFACT_BYTES_MAX, Artefact, check_together, parse_artefact
from consent.claims import ArtefactRefused, Step
from consent.grants import Actor, GrantEvent, next_state
from consent.terms import check_policy, hold
from exchange.crypto.signing import ParsedJws, claims_of, parse_jws, verify_jws
from exchange.domain.ids import parse, uuid7
from exchange.domain.queries import Asker
from exchange.errors import (
    Fault,
    GrantAfterWithdrawal,
    GrantConflict,
    GrantCrossField,
    GrantForm,
    GrantKey,
    GrantPolicy,
    GrantSchema,
    GrantSignature,
    InvalidGrant,
    SignatureError,
)
from exchange.services.grants.ports import GrantEventRow, NewGrant
from exchange.services.grants.show_grant import Standing, standing
from exchange.services.log.write_leaves import LeafDraft, standard_base64, write_leaves
from exchange.services.ports import Ports, Work

GRANT_TYPE = "cx-grant+jws"
_REGISTRABLE_LEVEL = 1  # above it the borrower signs, and the grant is requested first

_REFUSALS: Mapping[Step, type[InvalidGrant]] = MappingProxyType(
    {
        Step.FORM: GrantForm,
        Step.KEY: GrantKey,
        Step.SIGNATURE: GrantSignature,
        Step.SCHEMA: GrantSchema,
        Step.CROSS_FIELD: GrantCrossField,
        Step.POLICY: GrantPolicy,
        Step.AFTER_WITHDRAWAL: GrantAfterWithdrawal,
    }
)


def register_grant(
    artefact: str, token: bytes, epoch: str, caller: Asker, ports: Ports
) -> Standing:
    """Register an artefact under its own id and bind it to the subject's current token.

    Raises:
        InvalidGrant: the artefact is refused; the code names the step.
        GrantConflict: the id was registered before from other bytes, or for another token.
        ClosedEpoch: the epoch named is not open.
    """
    token_index = ports.keyring.index(epoch, token)
    try:
        return _register_once(artefact, (epoch, token_index), caller, ports)
    except GrantConflict:
        # Somebody stored this id while we looked: what is stored now decides. A second conflict
        # is a real one.
        return _register_once(artefact, (epoch, token_index), caller, ports)


def _register_once(
    artefact: str, binding: tuple[str, bytes], caller: Asker, ports: Ports
) -> Standing:
    now = ports.now()
    try:
        parsed = _parse(artefact, caller)
        with ports.begin() as work:
            read = _read(_verified(parsed, work), caller, ports, now)
            new = _new_grant(read, parsed, artefact, binding, ports)
            if stored := work.grants.find(caller.member, new.grant_id):
                if (stored.digest, stored.token_index) != (new.digest, new.token_index):
                    raise GrantConflict("this id is registered otherwise", field="artefact")
                return standing(stored, now, replayed=True)
            leaf_hash = _write_leaf(read, new, ports, work, now)
            # The leaf raised the subject's counter, which holds off a withdrawal until we commit.
            _check_withdrawal(read, new, work)
            work.grants.register(new, leaf_hash, now)
            work.grants.add_event(_event(read, new, leaf_hash, ports, now))
            work.commit()
    except ArtefactRefused as error:
        raise _problem(error) from error
    return standing(new.stored(leaf_hash, now), now, replayed=False)


def _parse(artefact: str, caller: Asker) -> ParsedJws:
    try:
        parsed = parse_jws(artefact, typ=GRANT_TYPE, max_bytes=ARTEFACT_BYTES_MAX)
    except SignatureError as error:
        raise ArtefactRefused(Step.FORM, "", str(error)) from error
    if parsed.kid.partition("/")[0] != caller.member:
        raise ArtefactRefused(Step.KEY, "", "kid must be a key of the member that registers")
    return parsed


def _verified(parsed: ParsedJws, work: Work) -> dict[str, object]:
    """Return the claims, once their key and signature are found good."""
    try:
        claims = claims_of(parsed)
    except SignatureError as error:
        raise ArtefactRefused(Step.FORM, "", str(error)) from error
    issued_at = claims.get("iat")
    member, _, key_name = parsed.kid.partition("/")
    key = work.members.find_key(member, key_name)
    if key is None or type(issued_at) is not int or not key.live(issued_at):
        raise ArtefactRefused(Step.KEY, "", "kid must be a key that was live at iat")
    try:
        verify_jws(parsed, key)
    except SignatureError as error:
        raise ArtefactRefused(Step.SIGNATURE, "", str(error)) from error
    return claims


def _read(claims: dict[str, object], caller: Asker, ports: Ports, now: int) -> Artefact:
    read = parse_artefact(claims)
    check_together(read, signer=caller.member, exchange=ports.terms.issuer, now=now)
    check_policy(read, ports.terms.profile, caller.roles)
    if read.evidence.level != _REGISTRABLE_LEVEL:
        raise ArtefactRefused(Step.POLICY, "evidence/level", "above 1 the borrower must sign first")
    if read.supersedes is not None:
        raise ArtefactRefused(Step.POLICY, "supersedes", "is not taken by this exchange yet")
    return read


def _new_grant(
    read: Artefact, parsed: ParsedJws, artefact: str, binding: tuple[str, bytes], ports: Ports
) -> NewGrant:
    epoch, token_index = binding
    kept = artefact.encode("ascii")
    return NewGrant(
        grant_id=parse("gnt", read.jti, field="artefact"),
        token_index=token_index,
        epoch=epoch,
        held=hold(read, next_state(None, GrantEvent.REGISTER, Actor.GRANTEE)),
        artefact=kept,
        digest=hashlib.sha256(kept).digest(),
        kid=parsed.kid,
        policy=ports.terms.profile.ref,
    )


def _write_leaf(read: Artefact, new: NewGrant, ports: Ports, work: Work, now: int) -> bytes:
    draft = LeafDraft(
        kind="grant",
        member=new.held.grantee,
        subject=ports.keyring.pseudonym(new.token_index),
        subject_slot={"purpose": read.purpose.value, "event": GrantEvent.REGISTER.value},
        audit_slot={
            "grant": read.jti,
            "artefact_sha256": standard_base64(new.digest),
            "level": new.held.level,
            "policy": new.policy,
            "key": new.kid,
        },
        purpose=read.purpose.value,
    )
    return write_leaves(work, [draft], ports, now)[0].leaf_hash


def _check_withdrawal(read: Artefact, new: NewGrant, work: Work) -> None:
    withdrawn = work.grants.withdrawn_at(new.token_index, new.held.grantee, read.purpose)
    if withdrawn is not None and read.iat <= withdrawn:
        raise ArtefactRefused(Step.AFTER_WITHDRAWAL, "iat", "must follow the subject's withdrawal")


def _event(
    read: Artefact, new: NewGrant, leaf_hash: bytes, ports: Ports, now: int
) -> GrantEventRow:
    return GrantEventRow(
        event_id=uuid7(ports.now_ms(), ports.random_bytes),
        grantee=new.held.grantee,
        grant_id=new.grant_id,
        event=GrantEvent.REGISTER.value,
        actor=Actor.GRANTEE.value,
        state=new.held.state.value,
        reason="",
        acted_at=read.iat,
        effective_at=now,
        leaf_hash=leaf_hash,
    )


def _problem(error: ArtefactRefused) -> InvalidGrant:
    kind = _REFUSALS[error.step]
    pointer = f"/artefact/{error.field}" if error.field else "/artefact"
    return kind(str(error), faults=(Fault(pointer, kind.code, error.message),))
