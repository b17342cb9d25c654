"""Receipts: what the exchange signed about one answer, and how anyone checks it offline.

What must hold, by the numbers in the code (`HOLDS`). 1 to 5 need the receipt and the pins alone.
6 and 7 need what was asked, and are checked as an answer arrives. 8 and 9 need the proof, 10 the
policy as well.
Source: the wire protocol, section "Receipt"; crypto.md 4 (JWS rules); log.md 10.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from exchange_client.answers.claims import ReceiptClaims, read_claims
from exchange_client.core.encoding import JSON, b64url, loads_object, standard_base64
from exchange_client.errors import InclusionInvalid, ReceiptInvalid, UsageError
from exchange_client.log.policy import Policy
from exchange_client.pins import Pins
from exchange_client.proofs import VerifiedProof, verify_proof
from exchange_client.signing import open_jws

RECEIPT_TYPE: Final = "cx-receipt+jwt"
PAYLOAD_BYTES: Final = 2048
AHEAD_SECONDS_MAX: Final = 60  # how far the exchange's clock may be ahead of ours
PROOF_SUFFIX: Final = ".tlog-proof"
SUBJECT_LABEL: Final = b"cx/receipt-subject/v1\n"
SALT_BYTES: Final = 16

HOLDS: Final = MappingProxyType(
    {
        1: "it is one strict JWS of a receipt, signed by a receipt key pinned for this exchange",
        2: "its claims are exactly those of a receipt, of one length, and agree with each other",
        3: "it was issued by the pinned exchange, in the pinned log",
        4: "it was issued to this member",
        5: "it was not issued in the future",
        6: "it answers the question that was asked: its id, its bytes, its subject, its terms",
        7: "its use has not ended",
        8: "its leaf stands in the log, under a checkpoint that the pinned log key signed",
        9: "what the leaf says is what the receipt says",
        10: "the checkpoint is of a log of the policy, and a quorum of its witnesses cosigned it",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The signed evidence of one answer. Keep the text: it is the proof, not this object."""

    text: str = field(repr=False)  # compact JWS, as it came
    claims: ReceiptClaims

    @property
    def leaf(self) -> str:
        """The leaf hash in base64url: what `receipt_proof` is asked for."""
        return b64url(self.claims.leaf)

    def save(self, path: Path | str, proof: bytes | None = None) -> Path:
        """Write the receipt, and its proof beside it under the name that `verify` looks for."""
        place = Path(path)
        place.write_text(self.text + "\n")
        if proof is not None:
            place.with_name(place.name + PROOF_SUFFIX).write_bytes(proof)
        return place


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the asker knows of its own question; absent parts are not checked."""

    member: str
    query_id: str | None = None
    request_digest: bytes | None = None  # SHA-256 of the exact bytes that asked
    token: bytes | None = field(default=None, repr=False)  # primary, 64 bytes
    purpose: str | None = None
    grant: str | None = None  # checked where the purpose is


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A receipt that held, and which of `HOLDS` were checked."""

    receipt: Receipt
    held: tuple[int, ...]
    proof: VerifiedProof | None  # None: no proof was at hand; the log was not asked


def verify(
    source: Path | str,
    pins: Pins,
    *,
    proof: bytes | None = None,
    now: int | None = None,
    policy: Policy | None = None,
) -> Verified:
    """Verify a receipt offline, from the pins alone, with its proof where one is at hand.

    Args:
        source: the receipt's text, or a file of it; beside a file, `<name>.tlog-proof` is used.
        proof: a `.tlog-proof`, where it does not lie beside the file.
        now: unix seconds; without it a receipt from the future is not noticed.
        policy: whose witnesses must have cosigned; with it a proof is asked for.

    Raises:
        ReceiptInvalid: one of `HOLDS` does not; the message starts with its number.
        UsageError: the file cannot be read.
    """
    text, beside = _read(source)
    receipt = _open(text, pins)
    _check_time(receipt, now)
    held = [1, 2, 3, 5] if now is not None else [1, 2, 3]
    proof = proof if proof is not None else beside
    if proof is None:
        if policy is not None:
            raise _fails(8, "there is no proof to hold against the policy")
        return Verified(receipt=receipt, held=tuple(held), proof=None)
    proven = prove(receipt, proof, pins)
    held += [8, 9]
    if policy is not None:
        _check_quorum(proven, policy)
        held.append(10)
    return Verified(receipt=receipt, held=tuple(held), proof=proven)


def open_receipt(text: str, pins: Pins, expected: Expected, *, now: int) -> Receipt:
    """Verify a receipt as it arrives, against the question that it must answer.

    Raises:
        ReceiptInvalid: it is not the answer to this question; the message starts with a number.
    """
    receipt = _open(text, pins)
    claims = receipt.claims
    check_audience(receipt, expected.member)
    _check_time(receipt, now)
    asked = (  # 6
        (expected.query_id, claims.jti, "another query id"),
        (expected.request_digest, claims.req, "other bytes"),
        (expected.purpose, claims.purpose, "another purpose"),
    )
    for wanted, found, what in asked:
        if wanted is not None and wanted != found:
            raise _fails(6, f"it answers {what}")
    if expected.purpose is not None and expected.grant != claims.grant:
        raise _fails(6, "it answers under another grant")
    if expected.token is not None and not speaks_of(receipt, expected.token):
        raise _fails(6, "it speaks of another subject")
    if claims.exp <= now:  # 7
        raise _fails(7, "it has expired")
    return receipt


def check_audience(receipt: Receipt, member: str) -> None:
    """Refuse a receipt that was issued to another member.

    Raises:
        ReceiptInvalid: it was.
    """
    if receipt.claims.aud != member:  # 4
        raise _fails(4, "it was issued to another member")


def speaks_of(receipt: Receipt, token: bytes) -> bool:
    """Tell whether a receipt speaks of the subject with this token (64 bytes)."""
    salt, digest = receipt.claims.sub[:SALT_BYTES], receipt.claims.sub[SALT_BYTES:]
    return hmac.compare_digest(hashlib.sha256(SUBJECT_LABEL + salt + token).digest(), digest)


def prove(receipt: Receipt, proof: bytes, pins: Pins) -> VerifiedProof:
    """Verify that the receipt's leaf is in the pinned log and says the same as the receipt.

    Raises:
        InclusionInvalid: the proof is of another leaf, log or tree.
        ReceiptInvalid: the leaf says something else.
    """
    try:
        proven = verify_proof(proof, pins.log_vkey, leaf=receipt.claims.leaf)
    except InclusionInvalid as error:
        raise InclusionInvalid(f"(8) {error}") from error
    for slot, said in _said(receipt.claims).items():  # 9
        if slot in proven.openings:
            _compare(_opened(proven.openings[slot], slot), said, slot)
    return proven


def _check_quorum(proven: VerifiedProof, policy: Policy) -> None:
    try:
        policy.open(proven.checkpoint)  # 10
    except InclusionInvalid as error:
        raise InclusionInvalid(f"(10) {error}") from error


def _open(text: str, pins: Pins) -> Receipt:
    try:
        payload = open_jws(text, RECEIPT_TYPE, pins.keys_of("receipt"))  # 1
    except ReceiptInvalid as error:
        raise _fails(1, str(error)) from error
    if len(payload) != PAYLOAD_BYTES:  # 2
        raise _fails(2, f"its payload has {len(payload)} bytes, not {PAYLOAD_BYTES}")
    try:
        claims = read_claims(loads_object(payload))
    except (ReceiptInvalid, ValueError) as error:
        raise _fails(2, str(error)) from error
    if claims.iss != pins.exchange:  # 3
        raise _fails(3, "another exchange issued it")
    if claims.log != pins.log_origin:
        raise _fails(3, "it names a log that is not pinned")
    return Receipt(text=text, claims=claims)


def _check_time(receipt: Receipt, now: int | None) -> None:
    if now is not None and receipt.claims.iat > now + AHEAD_SECONDS_MAX:  # 5
        raise _fails(5, "it was issued in the future; is the clock right?")


def _said(claims: ReceiptClaims) -> dict[str, dict[str, str | None]]:
    """What the leaf must say, by slot. Source: log.md 3, kind `query`."""
    return {
        "subject": {
            "kind": "query",
            "member": claims.aud,
            "purpose": claims.purpose,
            "outcome": claims.outcome,
        },
        "audit": {
            "query": claims.jti,
            "request_sha256": standard_base64(claims.req),
            "grant": claims.grant,
            "reason": claims.reason,
            "policy": claims.policy,
        },
    }


def _opened(payload: bytes, slot: str) -> dict[str, JSON]:
    try:
        return loads_object(payload)
    except ValueError as error:
        raise _fails(9, f"its leaf is no JSON object ({slot})") from error


def _compare(opened: dict[str, JSON], said: dict[str, str | None], slot: str) -> None:
    for name, value in said.items():
        if opened.get(name) != value:  # Absent means absent: the leaf has no nulls.
            raise _fails(9, f"its leaf says something else ({slot}: {name})")


def _read(source: Path | str) -> tuple[str, bytes | None]:
    """Return a receipt's text, and the proof that lies beside its file."""
    if isinstance(source, str) and source.count(".") == 2 and "/" not in source:
        return source, None
    path = Path(source)
    beside = path.with_name(path.name + PROOF_SUFFIX)
    try:
        return path.read_text("ascii").strip(), beside.read_bytes() if beside.exists() else None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: no readable receipt ({type(error).__name__})") from error


def _fails(number: int, detail: str) -> ReceiptInvalid:
    return ReceiptInvalid(f"({number}) {detail}")
