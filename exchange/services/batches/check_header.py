"""Hold a file's header against who sends it and what this exchange takes."""

from __future__ import annotations

from exchange.domain.batches import BatchHeader
from exchange.errors import InvalidBatch
from exchange.services.ports import Ports


def check_header(header: BatchHeader, member: str, ports: Ports) -> None:
    """Check member, profile and epoch.

    Raises:
        InvalidBatch: it speaks of another member or profile.
        ClosedEpoch: the epoch named is not open.
    """
    if header.member != member:
        raise InvalidBatch("must be the member that signs", field="member")
    if header.profile != ports.terms.profile.ref:
        raise InvalidBatch(f"must be {ports.terms.profile.ref}", field="profile")
    ports.keyring.index(header.epoch, b"")  # Refuses an epoch that is not open.
