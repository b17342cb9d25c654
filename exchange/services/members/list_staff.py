"""List a member's staff: whom its own people should not look at without somebody noticing.

In:  the token of each person; never a name.
Out: an `admin` leaf with their pseudonyms, which replaces the member's list before it. Nothing else
     is stored: flags read the leaf. Source: log.md, 13 (`insider/1`).
"""

from __future__ import annotations

from collections.abc import Sequence

from exchange.domain.leaves import JsonValue
from exchange.domain.log.kinds import Kind
from exchange.domain.queries import Asker
from exchange.services.log.write_leaves import LeafDraft, write_leaves
from exchange.services.ports import Ports

EVENT = "staff"


def list_staff(tokens: Sequence[bytes], epoch: str, caller: Asker, ports: Ports) -> bytes:
    """Write the list and return the hash of its leaf.

    Raises:
        ClosedEpoch: the epoch named is not open.
    """
    keyring = ports.keyring
    people = {keyring.pseudonym(keyring.index(epoch, token)) for token in tokens}
    audit: dict[str, JsonValue] = {"key": f"{caller.member}/{caller.key}", "staff": sorted(people)}
    draft = LeafDraft(
        kind=Kind.ADMIN.value,
        member=caller.member,
        subject_slot={"event": EVENT},
        audit_slot=audit,
    )
    with ports.begin() as work:
        (leaf,) = write_leaves(work, [draft], ports, ports.now())
        work.commit()
    return leaf.leaf_hash
