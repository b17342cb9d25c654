"""Write a grant down for others: a consent record, an artefact in ReBIT's shape, a signed receipt.

All three are generated from the registry each time; the artefact itself stays the truth. The
receipt holds the consent record and is signed with the statement key under a kind of its own.
Source: consent.md, 9 and 11.
"""

from __future__ import annotations

import hashlib
import json
from calendar import timegm
from datetime import UTC, datetime
from uuid import UUID

from consent.exports.facts import GrantFacts, HistoryStep, Organisation
from consent.exports.iso27560 import consent_record
from consent.exports.rebit import rebit_artefact
from consent.grants import GrantState
from exchange.crypto.keyring import Use
from exchange.crypto.signing import sign_jws
from exchange.domain.base64url import b64url
from exchange.errors import AbsentError, IntegrityError
from exchange.services.grants.ports import GrantEventRow, StoredGrant
from exchange.services.grants.read_artefact import stored_artefact
from exchange.services.grants.show_grant import standing
from exchange.services.ports import Ports, Work

RECEIPT_TYPE = "cx-grant-receipt+jwt"
REBIT_TYPE = "cx-rebit+jws"


def export_record(grant_id: UUID, grantee: str, ports: Ports) -> bytes:
    """Return a grant as a consent record in JSON-LD.

    Raises:
        AbsentError: there is no such grant of this member.
    """
    with ports.begin() as work:
        return _json(consent_record(grant_facts(grantee, grant_id, work, ports)))


def export_rebit(grant_id: UUID, grantee: str, ports: Ports) -> tuple[bytes, str]:
    """Return a grant in ReBIT's shape, and the detached JWS over exactly these bytes.

    Raises:
        AbsentError: there is no such grant of this member.
    """
    with ports.begin() as work:
        facts = grant_facts(grantee, grant_id, work, ports)
    # One id for one standing: the same grant, asked for twice, is the same document.
    txnid = str(UUID(bytes=_standing_digest(facts)[:16]))
    content = _json(rebit_artefact(facts, txnid))
    header, _, signature = _sign(content, REBIT_TYPE, ports).split(".")
    return content, f"{header}..{signature}"


def export_receipt(grant_id: UUID, grantee: str, ports: Ports) -> str:
    """Return the receipt that the borrower keeps: the consent record, signed.

    Raises:
        AbsentError: there is no such grant of this member.
    """
    with ports.begin() as work:
        return receipt_of(grant_facts(grantee, grant_id, work, ports), ports)


def grant_facts(grantee: str, grant_id: UUID, work: Work, ports: Ports) -> GrantFacts:
    """Gather what exports of a grant are made of.

    Raises:
        AbsentError: there is no such grant of this member.
    """
    stored = work.grants.find(grantee, grant_id)
    if stored is None:
        raise AbsentError
    member = work.members.find(grantee)
    if member is None:
        raise IntegrityError("a grant's member is not enrolled")
    events = work.grants.events(grantee, grant_id)
    return _facts(
        stored,
        events,
        Organisation(id=member.member, name=member.name, contact=member.contact),
        ports,
    )


def receipt_of(facts: GrantFacts, ports: Ports) -> str:
    """Return the receipt that the borrower keeps: the record, signed."""
    artefact, last = facts.artefact, facts.history[-1]
    claims = {
        "iss": ports.terms.issuer,
        "aud": f"{artefact.grantee}/{artefact.subject.ref}",
        "jti": f"rcp_{b64url(_standing_digest(facts)[:16])}",
        "iat": last.at,
        "exp": _kept_until(artefact.exp, artefact.evidence_months),
        "record": consent_record(facts),
    }
    return _sign(_json(claims), RECEIPT_TYPE, ports)


def _facts(
    stored: StoredGrant, events: list[GrantEventRow], grantee: Organisation, ports: Ports
) -> GrantFacts:
    terms = ports.terms
    return GrantFacts(
        artefact=stored_artefact(stored.artefact),
        signed=stored.artefact.decode("ascii"),
        state=standing(stored, ports.now()).state,
        level=stored.held.level,
        uses=stored.held.uses,
        history=tuple(
            HistoryStep(
                event=row.event,
                actor=row.actor,
                state=GrantState(row.state),
                at=row.effective_at,
            )
            for row in events
        ),
        exchange=Organisation(id=terms.issuer, name=terms.name, contact=terms.public_base),
        grantee=grantee,
        public_base=terms.public_base,
    )


def _standing_digest(facts: GrantFacts) -> bytes:
    last = facts.history[-1]
    told = f"{facts.artefact.jti} {facts.state} {len(facts.history)} {last.at} {facts.uses}"
    return hashlib.sha256(b"credit-exchange/grant-standing/v1\n" + told.encode()).digest()


def _kept_until(start: int, months: int) -> int:
    """Return the first second after so many months from a moment."""
    moment = datetime.fromtimestamp(start, UTC)
    years, month = divmod(moment.month - 1 + months, 12)
    return timegm((moment.year + years, month + 1, 1, 0, 0, 0)) + (moment.day - 1) * 86_400


def _sign(payload: bytes, kind: str, ports: Ports) -> str:
    keyring = ports.keyring
    return sign_jws(payload, kind, keyring.kid(Use.STATEMENT), keyring.signer(Use.STATEMENT))


def _json(value: dict[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
