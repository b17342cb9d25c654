"""Make the artefact of a grant: what the borrower agreed to, signed by the member.

One artefact: one subject, one grantee, one purpose. The subject is inside as a salted commitment;
the salt stays with the member, who opens it only to an auditor in a dispute.
Source: the grant rules of the exchange, section "Artefact" (evidence level 1: lender-attested).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from exchange_client.core.encoding import JSON, b64url, dumps, loads_object, unb64url
from exchange_client.core.ids import new_id
from exchange_client.errors import UsageError
from exchange_client.keys import KeyFile, write_private
from exchange_client.signing import sign_jws

if TYPE_CHECKING:
    from exchange_client.identifiers import Identifier
    from exchange_client.pins import Pins

FORMAT: Final = "cx-grant/1"
GRANT_TYPE: Final = "cx-grant+jws"
COMMIT_LABEL: Final = b"credit-exchange/grant-subject/v1\n"
SALT_BYTES: Final = 32
ARTEFACT_BYTES_MAX: Final = 4 * 1024
DAY_SECONDS: Final = 86_400
ALL_FIELDS: Final = (
    "current_bucket",
    "worst_bucket",
    "months_since_worst",
    "late_months",
    "lender_band",
    "open_overdue_band",
    "overdue_amount_band",
    "freshest_month",
    "velocity",
    "dispute",
    "statement",
)
NEEDED: Final = frozenset(
    {"subject", "notice", "collection", "evidence", "retention", "jurisdiction"}
)
AGREED: Final = frozenset({"notice", "collection", "evidence"})
# Members of an artefact that are its own alone, and made anew for another.
_OF_ONE: Final = AGREED | {
    *("ver", "jti", "iss", "aud", "iat", "nbf", "exp", "grantee", "supersedes", "bundle"),
}
_ONCE: Final = MappingProxyType({"fetch": "once", "max_uses": 1, "mode": "QUERY"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """What a grant of one purpose says unless its terms say otherwise."""

    days: int  # from the first second to the last
    use: Mapping[str, object]
    fields: tuple[str, ...] = ALL_FIELDS
    detail: str = "bands"
    lookback_months: int = 24


HABITS: Final[Mapping[str, Habit]] = MappingProxyType(
    {
        "contribute": Habit(
            days=3_650,
            use={"fetch": "standing", "mode": "STORE"},
            fields=(),
            detail="flag",
            lookback_months=0,
        ),
        "credit_application": Habit(days=30, use=_ONCE),
        "guarantor_check": Habit(days=30, use=_ONCE),
        "account_review": Habit(
            days=365,
            use={"fetch": "recurring", "frequency": {"max": 1, "days": 30}, "mode": "QUERY"},
        ),
        "portfolio_monitoring": Habit(
            days=365,
            use={"fetch": "recurring", "frequency": {"max": 1, "days": 30}, "mode": "QUERY"},
            fields=("current_bucket", "freshest_month", "dispute"),
        ),
        "collections": Habit(
            days=365,
            use={"fetch": "recurring", "frequency": {"max": 1, "days": 90}, "mode": "QUERY"},
            fields=(),
            detail="flag",
        ),
        "fraud_prevention": Habit(days=30, use=_ONCE, fields=("velocity",)),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A signed artefact, and the salt that opens its commitment."""

    artefact: str  # compact JWS
    salt: bytes = field(repr=False)  # 32 bytes; stays with the member

    @property
    def claims(self) -> dict[str, JSON]:
        """What was signed."""
        return loads_object(unb64url(self.artefact.split(".")[1]))

    @property
    def grant_id(self) -> str:
        """The id that questions and rows name it by."""
        return str(self.claims["jti"])

    def check_subject(self, identifier: Identifier) -> None:
        """Refuse an identifier that the grant was not made for.

        Raises:
            UsageError: its commitment is of another subject, or it was signed before that
                subject was born, by what the number says.
        """
        subject = self.claims.get("subject")
        commit = subject.get("commit") if isinstance(subject, dict) else None
        expected = b64url(commitment(self.salt, identifier))
        if not isinstance(commit, str) or not hmac.compare_digest(commit, expected):
            raise UsageError("the grant was made for another subject")
        born, at = identifier.birth_date, self.claims.get("iat")
        if born and isinstance(at, int) and datetime.fromtimestamp(at, UTC).date() < born:
            raise UsageError("the grant was signed before its subject was born")

    def save(self, path: Path | str) -> None:
        """Keep artefact and salt in a file of mode 0600."""
        content = {"format": FORMAT, "artefact": self.artefact, "salt": b64url(self.salt)}
        write_private(Path(path), json.dumps(content, indent=1).encode() + b"\n")

    @classmethod
    def load(cls, path: Path | str) -> Grant:
        """Read a grant that was saved.

        Raises:
            UsageError: it is none.
        """
        try:
            content = loads_object(Path(path).read_bytes())
            grant = cls(artefact=str(content["artefact"]), salt=unb64url(content["salt"]))
            grant.check_whole()
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise UsageError(f"{path}: no {FORMAT} file") from error
        return grant

    def check_whole(self) -> None:
        """Refuse what is no artefact with its salt.

        Raises:
            ValueError: it is none.
        """
        if len(self.salt) != SALT_BYTES or "jti" not in self.claims:
            raise ValueError("an artefact has an id, and a salt of 32 bytes")


def commitment(salt: bytes, identifier: Identifier) -> bytes:
    """Return the salted commitment to a subject: 32 bytes."""
    return hashlib.sha256(COMMIT_LABEL + salt + identifier.oprf_input()).digest()


def build(
    identifier: Identifier,
    terms: Mapping[str, object],
    *,
    key: KeyFile,
    pins: Pins,
    now: int | None = None,
) -> Grant:
    """Make and sign the artefact of one grant.

    Args:
        identifier: the subject's identity; only its salted commitment goes in.
        terms: the artefact's own members that depend on the case. Needed: `purpose`, `subject`
            (`ref`), `notice`, `collection`, `evidence`, `retention`, `jurisdiction`, and
            `withdrawal` where the basis is consent. Other members replace what is usual for the
            purpose. `days` says how long it lasts.
        key: the member's key, which signs it.
        pins: the exchange it is meant for.
        now: unix seconds; the clock's, if it is left out.

    Raises:
        UsageError: the purpose takes no grant, a member is missing, or the artefact is too large.
    """
    salt = os.urandom(SALT_BYTES)
    payload = _payload(dict(terms), key, pins, int(time.time()) if now is None else now)
    payload["subject"] = {
        "capacity": "self",
        **_subject(terms),
        "commit": b64url(commitment(salt, identifier)),
        "id_scheme": identifier.scheme,
    }
    artefact = sign_jws(dumps(payload), GRANT_TYPE, key)
    if len(artefact) > ARTEFACT_BYTES_MAX:
        raise UsageError(f"the artefact is longer than {ARTEFACT_BYTES_MAX} bytes")
    return Grant(artefact=artefact, salt=salt)


def evidence_of(content: bytes, *, media: str, member: str) -> dict[str, object]:
    """Describe what shows that the borrower agreed, and that the member keeps (level 1)."""
    return _attested(hashlib.sha256(content).digest(), media, member)


def evidence_of_file(path: Path | str, *, media: str, member: str) -> dict[str, object]:
    """Describe a file that the member keeps as evidence: read in slices, it never leaves."""
    with Path(path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return _attested(digest, media, member)


def evidence_to_sign() -> dict[str, object]:
    """Describe what stands in its place where the borrower signs with a passkey (level 2)."""
    return {"level": 2, "type": "borrower_passkey"}


def renewal(older: Grant, terms: Mapping[str, object]) -> dict[str, object]:
    """Return the terms of a grant that takes the place of an older one: see `build`.

    What the borrower agreed to anew (`notice`, `collection`, `evidence`) must be in `terms`; the
    rest is as it was, unless the terms say otherwise.

    Raises:
        UsageError: the terms lack what the borrower agreed to anew.
    """
    if missing := AGREED - terms.keys():
        raise UsageError(f"the terms lack {', '.join(sorted(missing))}: agreement is given anew")
    claims = older.claims
    subject = claims["subject"]
    kept = {name: value for name, value in claims.items() if name not in _OF_ONE}
    if isinstance(subject, dict):
        kept["subject"] = {n: v for n, v in subject.items() if n not in {"commit", "id_scheme"}}
    return {**kept, "supersedes": older.grant_id, **terms}


def _attested(digest: bytes, media: str, member: str) -> dict[str, object]:
    return {
        "level": 1,
        "type": "lender_attested",
        "sha256": b64url(digest),
        "media": media,
        "held_by": member,
    }


def _payload(terms: dict[str, object], key: KeyFile, pins: Pins, now: int) -> dict[str, object]:
    """Fill in what is usual for the purpose; the terms of the case replace it."""
    habit = HABITS.get(str(terms.get("purpose")))
    if habit is None:
        raise UsageError(f"a grant has one of the purposes {', '.join(HABITS)}")
    if missing := NEEDED - terms.keys():
        raise UsageError(f"the terms lack {', '.join(sorted(missing))}")
    days = terms.pop("days", habit.days)
    if not isinstance(days, int) or isinstance(days, bool):
        raise UsageError("`days` must be a whole number")
    return {
        "ver": "1",
        "jti": new_id("gnt"),
        "iss": key.member,
        "aud": pins.exchange,
        "iat": now,
        "nbf": now,
        "exp": now + days * DAY_SECONDS,
        "legal_basis": "consent",
        "grantee": key.member,
        "recipients": {"scope": "grantee_only"},
        "data": {
            "fields": list(habit.fields),
            "detail": habit.detail,
            "lookback_months": habit.lookback_months,
        },
        "use": dict(habit.use),
        "cross_border": {"allowed": False},
        **terms,
    }


def _subject(terms: Mapping[str, object]) -> Mapping[str, object]:
    subject = terms["subject"]
    if not isinstance(subject, Mapping) or "ref" not in subject:
        raise UsageError("`subject` must be an object with `ref`, your own pseudonym")
    return subject
