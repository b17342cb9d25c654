"""Grant artefacts: one subject, one grantee, one purpose, signed once and kept byte for byte.

In:  the claims of a compact JWS whose signature the caller has checked, and the time.
Out: a frozen Artefact, or ArtefactRefused with the step that refused it.
Not here: the JWS itself (crypto), rules that need a profile (terms.py), what is stored.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from .claims import ArtefactRefused, Claims, Step, encode
from .parts import (
    ANSWER_DAYS_MAX,
    EVIDENCE_MONTHS_MAX,
    MEMBER,
    REFERENCE,
    REFERENCE_RULE,
    Collection,
    Depth,
    Evidence,
    NoticeShown,
    Scope,
    Subject,
    Use,
    Withdrawal,
)
from .profiles import LegalBasis
from .purposes import Purpose

ARTEFACT_BYTES_MAX = 4096  # of the compact JWS
CLOCK_SECONDS = 60  # how far a signer's clock may run ahead
ISSUED_SECONDS_MAX = 7 * 86_400  # a signature may wait so long; a key that ended must not sign on
START_SECONDS_MAX = 30 * 86_400  # after iat; what begins later is agreed to later
COMMIT_LABEL = b"credit-exchange/grant-subject/v1\n"
SALT_BYTES = 32

_VERSION = re.compile(r"1")
_GRANT_ID = re.compile(r"gnt_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}")
_EXCHANGE = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")
_BUNDLE = re.compile(r"bnd_[0-9A-Za-z_-]{1,40}")
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """The claims of one artefact, each checked; `check_together` holds them against each other."""

    jti: str
    iss: str
    aud: str
    iat: int
    nbf: int
    exp: int
    purpose: Purpose
    legal_basis: LegalBasis
    basis_ref: str | None
    grantee: str
    scope: Scope
    subject: Subject
    depth: Depth
    use: Use
    answer_days: int
    evidence_months: int
    notice: NoticeShown
    collection: Collection
    evidence: Evidence
    withdrawal: Withdrawal | None
    jurisdiction: str
    cross_border: bool
    bundle: str | None
    supersedes: str | None


def subject_commitment(salt: bytes, subject_input: bytes) -> bytes:
    """Return the commitment to one subject that an artefact carries.

    Args:
        salt: 32 random bytes, kept by the member and shown in a dispute alone.
        subject_input: the OPRF input, `cx/subject/v1 LF type LF country LF number`.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"salt must be {SALT_BYTES} bytes")
    return hashlib.sha256(COMMIT_LABEL + salt + subject_input).digest()


def subject_commitment_text(salt: bytes, subject_input: bytes) -> str:
    """Return the commitment as an artefact spells it."""
    return encode(subject_commitment(salt, subject_input))


def parse_artefact(claims: Mapping[str, object]) -> Artefact:
    """Read the claims of an artefact.

    Raises:
        ArtefactRefused: a member is missing, unknown, null, or not what it must be.
    """
    top = Claims(dict(claims))
    top.text("ver", _VERSION, 'must be "1"')
    scope = top.child("recipients")
    retention = top.child("retention")
    cross_border = top.child("cross_border")
    artefact = Artefact(
        jti=top.text("jti", _GRANT_ID, "must be gnt_ and 32 hex digits of a UUIDv7"),
        iss=top.text("iss", MEMBER, "must be a member's id"),
        aud=top.text("aud", _EXCHANGE, "must be an exchange's id"),
        iat=top.whole("iat", 0),
        nbf=top.whole("nbf", 0),
        exp=top.whole("exp", 0),
        purpose=top.word("purpose", Purpose),
        legal_basis=top.word("legal_basis", LegalBasis),
        basis_ref=top.text_or_none("basis_ref", REFERENCE, REFERENCE_RULE),
        grantee=top.text("grantee", MEMBER, "must be a member's id"),
        scope=scope.word("scope", Scope),
        subject=Subject.read(top.child("subject")),
        depth=Depth.read(top.child("data")),
        use=Use.read(top.child("use")),
        answer_days=retention.whole("answer_days", 1, ANSWER_DAYS_MAX),
        evidence_months=retention.whole("evidence_months", 1, EVIDENCE_MONTHS_MAX),
        notice=NoticeShown.read(top.child("notice")),
        collection=Collection.read(top.child("collection")),
        evidence=Evidence.read(top.child("evidence")),
        withdrawal=Withdrawal.read(top.child("withdrawal")) if top.has("withdrawal") else None,
        jurisdiction=top.text("jurisdiction", _COUNTRY, "must be two capital letters"),
        cross_border=cross_border.flag("allowed"),
        bundle=top.text_or_none("bundle", _BUNDLE, "must be bnd_ and an id"),
        supersedes=top.text_or_none("supersedes", _GRANT_ID, "must be a grant's id"),
    )
    for part in (scope, retention, cross_border, top):
        part.done()
    return artefact


def check_together(artefact: Artefact, *, signer: str, exchange: str, now: int) -> None:
    """Hold the members of an artefact against each other, its signer and the time.

    Args:
        signer: the member whose key signed it.
        exchange: this exchange's id.

    Raises:
        ArtefactRefused: the first rule that is broken, by the field that breaks it.
    """
    for field, holds, expected in _rules(artefact, signer, exchange, now):
        if not holds:
            raise ArtefactRefused(Step.CROSS_FIELD, field, expected)


def _rules(
    artefact: Artefact, signer: str, exchange: str, now: int
) -> tuple[tuple[str, bool, str], ...]:
    notice, collection = artefact.notice, artefact.collection
    by_consent = artefact.legal_basis is LegalBasis.CONSENT
    held_by = artefact.evidence.held_by
    return (
        ("iss", artefact.iss == signer, "must be the member that signs"),
        ("grantee", artefact.grantee == artefact.iss, "must be the member that signs"),
        ("aud", artefact.aud == exchange, "must be this exchange"),
        ("notice/shown_at", notice.shown_at <= collection.at, "must not follow collection/at"),
        ("collection/at", collection.at <= artefact.iat + CLOCK_SECONDS, "must not follow iat"),
        ("iat", artefact.iat <= now + CLOCK_SECONDS, "must not lie ahead"),
        ("iat", artefact.iat >= now - ISSUED_SECONDS_MAX, "must lie in the last 7 days"),
        (
            "nbf",
            artefact.nbf <= artefact.iat + START_SECONDS_MAX,
            "must follow iat by 30 days at most",
        ),
        ("exp", artefact.nbf < artefact.exp, "must follow nbf"),
        ("withdrawal", (artefact.withdrawal is not None) is by_consent, "goes with consent alone"),
        ("basis_ref", (artefact.basis_ref is None) is by_consent, "goes with every other basis"),
        ("evidence/held_by", held_by in (None, artefact.iss), "must be the member that signs"),
        ("supersedes", artefact.supersedes != artefact.jti, "must be another grant"),
    )
