"""Answer a request: the borrower's passkey signs the artefact, or one click refuses it.

In:  the session of a link, and for a yes what the authenticator said.
Out: the grant, ACTIVE at level 2 or REJECTED; the signature kept; the key vouched for by the
     member whose grant it signed; and a session of that key.
Order: request (its row locked), key, signature over SHA-256 of the artefact's bytes, grant,
voucher, sessions, one commit. A new key never replaces another. Source: consent.md, 4 and 5.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from consent.grants import Actor, GrantEvent
from exchange.crypto.page_tokens import creation_challenge
from exchange.crypto.passkeys import verify_assertion, verify_creation
from exchange.domain.base64url import b64url
from exchange.domain.borrowers.passkeys import Assertion, Creation, Passkey
from exchange.errors import LinkError, PasskeyRefused
from exchange.services.borrower.keep_session import open_session
from exchange.services.borrower.ports import BorrowerPorts, Visitor
from exchange.services.borrower.show_request import GrantRequest, request_of
from exchange.services.borrower.statements import Cosignature, NewVoucher, PageSession
from exchange.services.grants.change_grant import change_within
from exchange.services.grants.write_events import Change
from exchange.services.ports import Work

REFUSER = "link"  # who refuses proves the link and nothing more


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """What the browser sends with a yes: a signature, and a new key where there was none."""

    assertion: Assertion
    creation: Creation | None
    secret: bytes  # of the session, under which a new key was made


def accept_request(
    session: PageSession, signing: Signing, visitor: Visitor, borrower: BorrowerPorts
) -> GrantRequest:
    """Accept the request of this session.

    Args:
        visitor: a fresh secret: the session that goes on as the passkey's.

    Raises:
        LinkError: the request was answered, has ended, or a newer link took its place.
        PasskeyRefused: the signature is not this request's, for this site, by a verified user.
    """
    ports = borrower.ports
    now = ports.now()
    with ports.begin() as work:
        request = request_of(session, work, ports, lock=True)
        passkey = _passkey(signing, borrower, work, now)
        challenge = hashlib.sha256(request.stored.artefact).digest()
        count = verify_assertion(signing.assertion, challenge, passkey, borrower.party)
        work.borrowers.count_use(passkey.credential_id, count)
        change = Change(
            event=GrantEvent.ACCEPT, actor=Actor.SUBJECT, acted_at=now, by=key_name(passkey)
        )
        change_within(request.grantee.member, request.stored.grant_id, change, work, ports)
        _keep(request, passkey, signing.assertion, work, now)
        work.borrowers.end_session(session.session_sha256, now)
        if not open_session(visitor, challenge, work, now, credential_id=passkey.credential_id):
            raise LinkError
        work.commit()
    return request


def refuse_request(session: PageSession, borrower: BorrowerPorts) -> GrantRequest:
    """Refuse the request of this session; nothing but the link is asked for.

    Raises:
        LinkError: the request was answered, has ended, or a newer link took its place.
    """
    ports = borrower.ports
    now = ports.now()
    with ports.begin() as work:
        request = request_of(session, work, ports, lock=True)
        change = Change(event=GrantEvent.REFUSE, actor=Actor.SUBJECT, acted_at=now, by=REFUSER)
        change_within(request.grantee.member, request.stored.grant_id, change, work, ports)
        work.borrowers.end_session(session.session_sha256, now)
        work.commit()
    return request


def key_name(passkey: Passkey) -> str:
    """Name a passkey for auditors: a digest of its id."""
    return f"passkey/{b64url(hashlib.sha256(passkey.credential_id).digest()[:16])}"


def _passkey(signing: Signing, borrower: BorrowerPorts, work: Work, now: int) -> Passkey:
    """Return the key that signs: a new one, checked and stored, or one that is known."""
    if signing.creation is None:
        known = work.borrowers.find_passkey(signing.assertion.credential_id)
        if known is None:
            raise PasskeyRefused("this is no live key of this exchange")
        return known
    made = verify_creation(
        signing.creation, creation_challenge(signing.secret), borrower.party, now
    )
    if not work.borrowers.add_passkey(made):  # A key is never replaced.
        raise PasskeyRefused("a key of this id is known already")
    return made


def _keep(
    request: GrantRequest, passkey: Passkey, assertion: Assertion, work: Work, now: int
) -> None:
    stored, grantee = request.stored, request.grantee.member
    work.borrowers.keep_cosignature(
        Cosignature(
            grantee=grantee,
            grant_id=stored.grant_id,
            passkey=passkey,
            assertion=assertion,
            signed_at=now,
        )
    )
    work.borrowers.vouch(
        NewVoucher(
            credential_id=passkey.credential_id,
            token_index=stored.token_index,
            epoch=stored.epoch,
            voucher=grantee,
            grant_id=stored.grant_id,
            vouched_at=now,
        )
    )
