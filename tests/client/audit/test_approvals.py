"""Two keys under what takes two people, checked from the leaves that the exchange wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.domain.members import Role
from exchange.services.members.change_members import approve_change, propose_change
from exchange.services.members.ports import Change, ChangeKind
from exchange.services.seats.manage_seats import enrol_seat
from exchange.services.seats.ports import SeatName
from exchange_client.audit.approvals import Approved, check_approvals
from exchange_client.audit.leaves import AuditLeaf
from exchange_client.core.encoding import JSON
from exchange_client.errors import LogInvalid
from tests.support.leaves import opened_leaves
from tests.support.operators import ANNA, BEN, enrol, says
from tests.support.sandbox import Sandbox, make_sandbox


@pytest.fixture(scope="module")
def leaves(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> list[AuditLeaf]:
    """Two operators, one member by both of them, one by nobody, and a seat by typed names."""
    folder: Path = tmp_path_factory.mktemp("approvals")
    sandbox: Sandbox = make_sandbox(shared_database_url, folder)
    for one in (ANNA, BEN):
        enrol(sandbox, one)
    details = {"name": "X", "contact": "x", "roles": ["asker"], "zone": "UTC", "profile": "CN"}
    joining = Change(kind=ChangeKind.ENROL, member="lender-two", details=details)
    proposal = propose_change(joining, says(sandbox, ANNA, joining), sandbox.ports, days=14)
    approve_change(says(sandbox, BEN, joining, of=proposal.proposal_id), "", sandbox.ports)
    sandbox.enrol("lender-one", Role.ASKER)
    enrol_seat(SeatName("lender-one", "mei"), 1, ["anna", "ben"], sandbox.ports)
    told = opened_leaves(sandbox, "admin")
    sandbox.close()
    return [
        AuditLeaf(index=index, subject=subject, audit=audit)
        for index, (subject, audit) in enumerate(told)
    ]


def test_two_keys_are_counted_and_what_nobody_signed_is_named(leaves: list[AuditLeaf]) -> None:
    """A regulator must see at a glance which members two people let in."""
    found = check_approvals(leaves)

    # The first two operators; the member that was let in by hand, its key, its person's seat.
    assert Approved(by_two_keys=1, unsigned=(0, 1, 3, 4, 5)) == found


def altered(leaves: list[AuditLeaf], approvers: Sequence[JSON]) -> list[AuditLeaf]:
    """Return the log with other approvers under the member that two people let in."""
    place = next(place for place, leaf in enumerate(leaves) if leaf.said("approvers"))
    leaf = leaves[place]
    changed = replace(leaf, audit={**(leaf.audit or {}), "approvers": list(approvers)})
    return [*leaves[:place], changed, *leaves[place + 1 :]]


def words(leaves: list[AuditLeaf]) -> list[str]:
    """Return the two words under the member that two people let in."""
    told = next(leaf.said("approvers") for leaf in leaves if leaf.said("approvers"))
    assert isinstance(told, list)
    return [str(word) for word in told]


def test_a_word_that_is_none_is_refused(leaves: list[AuditLeaf]) -> None:
    """An operator that writes a colleague's name into the log must be found out."""
    anna, ben = words(leaves)
    forged = " ".join(["ben/k1", *anna.split(" ")[1:]])
    moved = " ".join([*ben.split(" ")[:2], "prp_" + "0" * 32, *ben.split(" ")[3:]])
    for pair in ([anna, anna], [anna, forged], [anna, moved], [anna, "ben/k1 x"]):
        with pytest.raises(LogInvalid, match=r"\(8\)"):
            check_approvals(altered(leaves, pair))

    retired = AuditLeaf(
        index=2,
        subject={"kind": "admin", "event": "operator_retired"},
        audit={"key": "ben/k1", "approvers": [anna, ben]},
    )
    with pytest.raises(LogInvalid, match="retired"):
        check_approvals([*leaves[:2], retired, *leaves[2:]])


def test_what_cannot_be_checked_is_not_called_signed(leaves: list[AuditLeaf]) -> None:
    """Keys of the year before stand in the log of the year before; a part knows no keys."""
    anna, _ = words(leaves)
    names: list[JSON] = ["anna", "ben"]

    for pair, expected in (
        (names, Approved(unsigned=(0, 1, 2, 3, 4, 5))),
        ([anna], Approved(unsigned=(0, 1, 2, 3, 4, 5))),
        (["zoe/k1 a b c d", anna], Approved(unsigned=(0, 1, 3, 4, 5), strange=(2,))),
    ):
        changed = altered(leaves, pair)
        assert expected == check_approvals(changed)
    assert Approved() == check_approvals(leaves[1:])
