"""What publishing and witnessing need of the world, as values and protocols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class SignedCheckpoint(NamedTuple):
    """A checkpoint as the sequencer signed it."""

    size: int
    root: bytes
    note: str
    signed_at: int  # unix seconds


class Published(NamedTuple):
    """The newest checkpoint that a quorum has cosigned."""

    size: int
    root: bytes
    note: str  # with the cosignatures
    quorum_at: int  # unix seconds: the latest time that a quorum has reached


class Cosignature(NamedTuple):
    """One witness's word that it saw a checkpoint."""

    witness: str  # name of its key
    signed_at: int  # unix seconds, by its own clock
    line: str  # the signature line, with its LF


class PublicationStatements(Protocol):
    """Statements about what is shown of the logs, and to whom."""

    def find_log(self, origin: str) -> int | None:
        """Find a log of this name, open or closed."""
        ...

    def newest(self, log_id: int) -> SignedCheckpoint | None:
        """Fetch the newest signed checkpoint of a log."""
        ...

    def cosignatures(self, log_id: int, size: int) -> list[Cosignature]:
        """Fetch the cosignatures on a checkpoint: of each witness the first and the newest."""
        ...

    def add_cosignatures(self, log_id: int, size: int, lines: Sequence[Cosignature]) -> None:
        """Keep cosignatures; of one witness and size those between first and newest go."""
        ...

    def cosigned_size(self, log_id: int, witness: str) -> int:
        """Say up to which size a witness has cosigned a log, as far as we know."""
        ...

    def published(self, log_id: int) -> Published | None:
        """Fetch the newest checkpoint with a quorum."""
        ...

    def publish(self, log_id: int, published: Published) -> None:
        """Show this checkpoint from now on, unless a newer one is shown."""
        ...

    def may_fetch(self, capability_sha256: bytes) -> bool:
        """Tell whether tiles may be fetched under this capability."""
        ...

    def add_capability(self, capability_sha256: bytes, member: str, now: int) -> None:
        """Let a member fetch tiles under a capability."""
        ...

    def revoke_capabilities(self, member: str, now: int) -> int:
        """End all capabilities of a member; say how many there were."""
        ...


class Reply(NamedTuple):
    """What a witness answered."""

    status: int
    body: bytes


class WitnessPort(Protocol):
    """A witness, as a log reaches it (C2SP tlog-witness)."""

    def add_checkpoint(self, body: bytes) -> Reply:
        """Submit a checkpoint.

        Raises:
            UnavailableError: it does not answer in time.
        """
        ...

    def checkpoint(self, origin: str) -> Reply:
        """Fetch the checkpoint that it cosigned last for a log.

        Raises:
            UnavailableError: it does not answer in time.
        """
        ...
