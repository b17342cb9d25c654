"""I1 and I7: every answer's leaf opens and says what was asked; grants were used as leaves say.

Every stored answer is opened with its leaf. What a grant's own counter says must be the number of
permitted leaves that name it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from exchange.domain.ids import parse, show
from exchange.domain.leaves import Leaf
from exchange.errors import ExchangeError, IntegrityError
from exchange.services.log.open_pair import SealedPair, open_pair
from exchange.services.log.write_leaves import KEY_AAD, standard_base64
from exchange.services.verify_run.ports import Break, RunPorts, RunStatements, StoredLook

Uses = Counter[tuple[str, UUID]]
_WITHHELD = "WITHHELD"


def check_looks(run: RunStatements, ports: RunPorts, uses: Uses) -> Iterator[Break]:
    """Yield answers whose leaf does not say what was asked; count each grant's uses."""
    for look in run.looks():
        row = f"{look.member}/{show('qry', look.query_id)}"
        try:
            leaf = _opened(look, ports)
        except ExchangeError as error:
            yield Break("I1", row, f"its leaf does not open: {error}")
            continue
        subject, audit = json.loads(leaf.subject.payload), json.loads(leaf.audit.payload)
        if audit.get("request_sha256") != standard_base64(look.digest):
            yield Break("I1", row, "its leaf is of another question")
        if (subject.get("member"), audit.get("query")) != (look.member, row.partition("/")[2]):
            yield Break("I1", row, "its leaf is of another member or query")
        if "grant" in audit and subject.get("outcome") != _WITHHELD:
            uses[look.member, parse("gnt", audit["grant"], field="grant")] += 1


def check_uses(run: RunStatements, uses: Uses) -> Iterator[Break]:
    """Yield grants whose counter is not the number of leaves that used them."""
    counted: Uses = Counter()
    for grant in run.grants():
        counted[grant.grantee, grant.grant_id] += grant.uses
    for grantee, grant_id in counted.keys() | uses.keys():
        one = (grantee, grant_id)
        if counted[one] != uses[one]:
            row = f"{grantee}/{show('gnt', grant_id)}"
            yield Break("I7", row, f"was used {counted[one]} times, and {uses[one]} leaves say so")


def _opened(look: StoredLook, ports: RunPorts) -> Leaf:
    key = ports.sealer.open_key(look.kek_id, look.wrapped, KEY_AAD + look.key_id.encode())
    sealed = (look.subject_sealed, look.audit_sealed)
    leaf = open_pair(SealedPair(look.origin, look.leaf_hash, look.key_id, *sealed), key)
    if leaf.entry != look.entry:
        raise IntegrityError("the stored entry is not the leaf's")
    return leaf
