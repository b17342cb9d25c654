"""What one person may not do to the log alone: two names, and an `admin` leaf that shows both."""

from __future__ import annotations

from typing import NamedTuple

from exchange.domain.log.kinds import Kind
from exchange.errors import InvalidField
from exchange.services.log.ports import LogPorts, LogWork
from exchange.services.log.write_leaves import LeafDraft, write_leaves


class Approval(NamedTuple):
    """Who does it, and who agrees."""

    by: str
    approved_by: str

    def check(self) -> None:
        """Refuse one person alone.

        Raises:
            InvalidField: a name is missing, or both are one.
        """
        named = {one.strip() for one in self}
        if len(named) < len(self) or "" in named:
            raise InvalidField("takes two people", field="approved_by")


def write_approved(event: str, approval: Approval, work: LogWork, log_ports: LogPorts) -> None:
    """Write the leaf that says what two people did."""
    draft = LeafDraft(
        kind=Kind.ADMIN,
        member="",
        subject_slot={"event": event},
        audit_slot={"approvers": list(approval)},
    )
    write_leaves(work, [draft], log_ports.ports, log_ports.ports.now())
