"""What the services of borrowers need of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from exchange.domain.borrowers.passkeys import Assertion, Passkey
from exchange.services.records.ports import SealedRecord


class GrantLink(NamedTuple):
    """The one-time link of a requested grant; its secret is known to the borrower alone."""

    grantee: str
    grant_id: UUID
    secret_sha256: bytes
    made_at: int  # unix seconds
    expires_at: int  # unix seconds


class PageSession(NamedTuple):
    """A person's session on the pages: of one request, or of one passkey."""

    session_sha256: bytes
    opened_with: bytes  # SHA-256 of the link's secret or of the challenge that opened it
    agent_sha256: bytes  # of the browser's own name
    started_at: int  # unix seconds
    credential_id: bytes | None = None  # the passkey that signed in
    grantee: str | None = None  # with grant_id: the request that a link opened
    grant_id: UUID | None = None


class Voucher(NamedTuple):
    """Who says that a passkey is the subject's of this token."""

    token_index: bytes
    epoch: str
    voucher: str  # a member, or OPERATOR of domain/borrowers/reach.py
    vouched_at: int  # unix seconds


class NewVoucher(NamedTuple):
    """A member vouches by a grant that the key signed; the operator by its proofing."""

    credential_id: bytes
    token_index: bytes
    epoch: str
    voucher: str
    grant_id: UUID | None
    vouched_at: int  # unix seconds


class Cosignature(NamedTuple):
    """What the borrower's key signed over one artefact."""

    grantee: str
    grant_id: UUID
    passkey: Passkey
    assertion: Assertion
    signed_at: int  # unix seconds


class Opened(NamedTuple):
    """One subject of a key, and one member whose entries it opens; None: everybody's."""

    token_index: bytes
    subject: str  # pseudonym
    member: str | None


class OwnEntry(NamedTuple):
    """One entry of the log about the subject, still sealed."""

    leaf_hash: bytes
    kind: str
    member: str  # "" where no member did it
    origin: str
    leaf_index: int | None  # None: it waits for the sequencer
    key_id: str
    subject_sealed: bytes
    audit_sealed: bytes  # never shown: it says whether an embargo stands
    kek_id: str
    wrapped: bytes


class OwnCount(NamedTuple):
    """How many entries were numbered for a subject in a log, are there, and are open to a key."""

    subject: str
    numbered: int
    present: int
    opened: int
    erased: int  # by order; of those that are not there


class EntriesAsk(NamedTuple):
    """Which entries are listed."""

    rows_max: int
    before: bytes | None = None  # leaf hash from which the list goes on; None: from the newest
    log_id: int | None = None  # None: of every log


class OwnGrant(NamedTuple):
    """A grant of the subject."""

    grantee: str
    grant_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTerms:
    """How long people may stay on the pages, and how often they may look."""

    idle_seconds_max: int
    session_seconds_max: int
    challenge_seconds_max: int
    views_per_day: int
    wrong_sign_ins_per_hour: int  # of one network address


class FileStatements(Protocol):
    """Statements by which a borrower sees the own file."""

    def entries(self, opened: Sequence[Opened], wanted: EntriesAsk) -> list[OwnEntry]:
        """List entries, newest first."""
        ...

    def counts(self, opened: Sequence[Opened], *, log_id: int) -> list[OwnCount]:
        """Count the entries of a log, subject by subject."""
        ...

    def find_entry(self, opened: Sequence[Opened], leaf_hash: bytes) -> OwnEntry | None:
        """Find an entry that the key opens."""
        ...

    def count_below(self, subject: str, *, log_id: int, size: int) -> int:
        """Count the entries about a subject in a tree of this size."""
        ...

    def grants(self, opened: Sequence[Opened], *, rows_max: int) -> list[OwnGrant]:
        """List grants, newest first."""
        ...

    def find_grant(self, opened: Sequence[Opened], grant_id: UUID) -> OwnGrant | None:
        """Find a grant that the key reaches."""
        ...

    def records(self, opened: Sequence[Opened], *, rows_max: int) -> list[SealedRecord]:
        """List what members report now."""
        ...


class BorrowerStatements(Protocol):
    """Statements about passkeys, links and sessions."""

    def put_link(self, link: GrantLink) -> None:
        """Store a request's link in the place of an older one."""
        ...

    def find_link(self, secret_sha256: bytes) -> GrantLink | None:
        """Find the link with this secret."""
        ...

    def open_session(self, session: PageSession) -> bool:
        """Open a session; say whether what it is opened with was still unused."""
        ...

    def resume_session(
        self, session_sha256: bytes, agent_sha256: bytes, terms: SessionTerms, now: int
    ) -> PageSession | None:
        """Find a session that is still open in this browser, and note that it was seen."""
        ...

    def end_session(self, session_sha256: bytes, now: int) -> None:
        """End a session."""
        ...

    def add_passkey(self, passkey: Passkey) -> bool:
        """Add a key; say whether its id was free."""
        ...

    def find_passkey(self, credential_id: bytes) -> Passkey | None:
        """Find a key and hold its row until the end."""
        ...

    def count_use(self, credential_id: bytes, sign_count: int) -> None:
        """Note a key's new count."""
        ...

    def vouch(self, voucher: NewVoucher) -> None:
        """Tie a key to a subject's token; to do so again changes nothing."""
        ...

    def vouchers(self, credential_id: bytes) -> list[Voucher]:
        """List who vouched for a key."""
        ...

    def other_keys(self, credential_id: bytes, indices: Sequence[bytes]) -> list[Voucher]:
        """List who vouched for another key of these subjects, newest first."""
        ...

    def find_signer(self, grantee: str, grant_id: UUID) -> bytes | None:
        """Find the key that signed a grant."""
        ...

    def end_passkey(self, credential_id: bytes, now: int) -> None:
        """End a key and every session of it."""
        ...

    def forget_sessions(self, before: int) -> int:
        """Delete sessions that began before a time; say how many."""
        ...

    def keep_cosignature(self, signature: Cosignature) -> None:
        """Keep what the borrower signed."""
        ...
