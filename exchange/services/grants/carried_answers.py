"""List the answers that a grant carried: what was told on the strength of it.

In:  a grant, its rows locked, and an open unit of work.
Out: the leaf hashes of its permitted looks, oldest first.
Each look's own sealed opening says which grant it relied on; nothing else is trusted.
"""

from __future__ import annotations

import json

from exchange.domain.ids import show
from exchange.domain.leaves import Slot, opening_aad, unpad_opening
from exchange.services.grants.ports import SealedLook, StoredGrant
from exchange.services.log.write_leaves import opening_key
from exchange.services.ports import Ports, Work

ANSWERS_MAX = 500  # the newest that a leaf lists


def carried_answers(stored: StoredGrant, work: Work, ports: Ports) -> list[bytes]:
    """Return the leaf hashes of the answers that this grant carried.

    Raises:
        IntegrityError: an opening does not open.
    """
    bindings = work.grants.bindings(stored.held.grantee, stored.grant_id)
    subjects = [ports.keyring.pseudonym(binding.token_index) for binding in bindings]
    name = show("gnt", stored.grant_id)
    looks = work.grants.looks(stored.held.grantee, subjects)
    return [look.leaf_hash for look in looks if _grant_of(look, ports) == name][-ANSWERS_MAX:]


def _grant_of(look: SealedLook, ports: Ports) -> object:
    key = opening_key(look.key_id, look.kek_id, look.wrapped, ports)
    aad = opening_aad(look.origin, look.leaf_hash, Slot.AUDIT, look.key_id)
    return json.loads(unpad_opening(key.open(look.audit_sealed, aad)).payload).get("grant")
