"""Open a borrower's own file: what a passkey reaches, and the leaf that every look at it is.

A look is counted against the day's limit and logged before anything is shown: no commit, no view.
"""

from __future__ import annotations

from dataclasses import dataclass

from exchange.crypto.page_tokens import digest
from exchange.domain.base64url import b64url
from exchange.domain.borrowers.reach import Reach, reach_of
from exchange.domain.log.kinds import Kind
from exchange.errors import QuotaError, SessionError
from exchange.services.borrower.ports import BorrowerPorts
from exchange.services.borrower.statements import Opened, PageSession
from exchange.services.log.write_leaves import LeafDraft, write_leaves
from exchange.services.ports import Ports, Work

FACTOR = "passkey"
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFile:
    """What one passkey opens."""

    credential_id: bytes
    reaches: tuple[Reach, ...]
    opened: tuple[Opened, ...]

    @property
    def whole(self) -> bool:
        """Tell whether all of it is open."""
        return all(reach.whole for reach in self.reaches)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subject's pseudonyms, each once."""
        return tuple(dict.fromkeys(one.subject for one in self.opened))


def own_file(session: PageSession, work: Work, ports: Ports) -> OwnFile:
    """Return what the session's passkey opens.

    Raises:
        SessionError: the session is of no passkey.
    """
    if session.credential_id is None:
        raise SessionError("sign in with your passkey")
    vouched = work.borrowers.vouchers(session.credential_id)
    reaches = reach_of((one.token_index, one.voucher) for one in vouched)
    return OwnFile(
        credential_id=session.credential_id,
        reaches=tuple(reaches),
        opened=tuple(
            Opened(reach.token_index, ports.keyring.pseudonym(reach.token_index), member)
            for reach in reaches
            for member in reach.members
        ),
    )


def log_view(file: OwnFile, work: Work, borrower: BorrowerPorts) -> None:
    """Count a look at the own file and write its leaves.

    Raises:
        QuotaError: the day's looks are spent.
    """
    ports = borrower.ports
    now = ports.now()
    day = now - now % _DAY_SECONDS
    name = f"passkey/{b64url(digest(file.credential_id))}"
    if not work.members.count(
        name, "file_views", period=day, amount=1, limit=borrower.terms.views_per_day
    ):
        raise QuotaError("the day's looks are spent", retry_after_seconds=day + _DAY_SECONDS - now)
    drafts = [
        LeafDraft(
            kind=Kind.SUBJECT_ACCESS, member="", subject=subject, audit_slot={"factor": FACTOR}
        )
        for subject in file.subjects
    ]
    write_leaves(work, drafts, ports, now)
