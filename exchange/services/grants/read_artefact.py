"""Read an artefact as it was sent: form, key, signature, schema, cross-field rules.

In:  the compact JWS, who sent it, and an open unit of work, which knows the member's keys.
Out: the Artefact; else ArtefactRefused with the step that refused it.
Not here: what needs the profile or the registry (enter_grant.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from consent.artefact import ARTEFACT_BYTES_MAX, Artefact, check_together, parse_artefact
from consent.claims import ArtefactRefused, Step
from exchange.crypto.signing import ParsedJws, claims_of, parse_jws, verify_jws
from exchange.errors import (
    Fault,
    GrantAfterWithdrawal,
    GrantCrossField,
    GrantEvidence,
    GrantForm,
    GrantKey,
    GrantNotice,
    GrantPolicy,
    GrantSchema,
    GrantSignature,
    InvalidGrant,
    SignatureError,
)
from exchange.services.ports import Ports, Work

GRANT_TYPE = "cx-grant+jws"

_REFUSALS: Mapping[Step, type[InvalidGrant]] = MappingProxyType(
    {
        Step.FORM: GrantForm,
        Step.KEY: GrantKey,
        Step.SIGNATURE: GrantSignature,
        Step.SCHEMA: GrantSchema,
        Step.CROSS_FIELD: GrantCrossField,
        Step.POLICY: GrantPolicy,
        Step.NOTICE: GrantNotice,
        Step.AFTER_WITHDRAWAL: GrantAfterWithdrawal,
        Step.EVIDENCE: GrantEvidence,
    }
)


def parse_sent(artefact: str, member: str) -> ParsedJws:
    """Read the form of an artefact, and whose key it names.

    Raises:
        ArtefactRefused: it is no compact JWS of this kind, or names another member's key.
    """
    try:
        parsed = parse_jws(artefact, typ=GRANT_TYPE, max_bytes=ARTEFACT_BYTES_MAX)
    except SignatureError as error:
        raise ArtefactRefused(Step.FORM, "", str(error)) from error
    if parsed.kid.partition("/")[0] != member:
        raise ArtefactRefused(Step.KEY, "", "kid must be a key of the member that registers")
    return parsed


def read_sent(parsed: ParsedJws, member: str, work: Work, ports: Ports, now: int) -> Artefact:
    """Return the artefact, once its key and signature are found good.

    Raises:
        ArtefactRefused: at the first step that fails.
    """
    artefact = parse_artefact(_verified(parsed, work))
    check_together(artefact, signer=member, exchange=ports.terms.issuer, now=now)
    return artefact


def stored_artefact(kept: bytes) -> Artefact:
    """Read an artefact that was registered: what it says was checked then."""
    return parse_artefact(claims_of(parse_jws(kept.decode("ascii"), typ=GRANT_TYPE)))


def problem(error: ArtefactRefused) -> InvalidGrant:
    """Return a refused artefact as the error that the API shows."""
    kind = _REFUSALS[error.step]
    pointer = f"/artefact/{error.field}" if error.field else "/artefact"
    return kind(str(error), faults=(Fault(pointer, kind.code, error.message),))


def _verified(parsed: ParsedJws, work: Work) -> dict[str, object]:
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
