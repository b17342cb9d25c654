"""The law that judges is put in force by two people, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from consent.profiles import load_profile, profile_sha256, unconfirmed
from exchange.errors import SettingsError
from exchange.jobs.serve import serve
from exchange.services.log.write_leaves import standard_base64
from exchange.services.members.change_members import approve_change, change_alone, propose_change
from exchange.services.members.profile_in_force import check_profile, profile_change
from tests.support.leaves import opened_leaves
from tests.support.operators import ANNA, BEN, says
from tests.support.sandbox import Sandbox


def in_force(sandbox: Sandbox, profile: str) -> None:
    """Let two operators put a profile of this software in force."""
    change = profile_change(load_profile(profile))
    proposal = propose_change(change, says(sandbox, ANNA, change), sandbox.ports, days=14)
    approve_change(says(sandbox, BEN, change, of=proposal.proposal_id), "", sandbox.ports)


def test_nothing_is_served_under_a_law_that_two_people_did_not_put_in_force(
    sandbox: Sandbox,
) -> None:
    """Another retention or another purpose must not begin because a host was deployed."""
    with pytest.raises(SettingsError, match=r"cn@1 .* is not in force"):
        check_profile(sandbox.ports)

    in_force(sandbox, "CN")
    check_profile(sandbox.ports)

    in_force(sandbox, "KE")
    with pytest.raises(SettingsError, match="EXCHANGE_PROFILE"):
        check_profile(sandbox.ports)

    first, second = (
        audit
        for subject, audit in opened_leaves(sandbox, "admin")
        if subject["event"] == "profile_in_force"
    )
    cn, ke = (standard_base64(profile_sha256(one)) for one in ("CN", "KE"))
    assert (cn, None) == (first["after_sha256"], first.get("before_sha256"))
    approvers = first["approvers"]
    assert isinstance(approvers, list)
    assert [ANNA.keyid, BEN.keyid] == [str(one).split()[0] for one in approvers]
    assert (ke, cn) == (second["after_sha256"], second["before_sha256"])


def test_one_person_suffices_where_the_sandbox_says_so(sandbox: Sandbox) -> None:
    """Whoever tries things out alone must be able to."""
    change_alone(profile_change(load_profile("CN")), sandbox.ports)

    check_profile(sandbox.ports)


def test_the_server_asks_before_it_serves_real_borrowers(sandbox: Sandbox, tmp_path: Path) -> None:
    """The check must stand where nobody can forget it."""
    counsel = tmp_path / "counsel.toml"
    keys = [value.key for value in unconfirmed(load_profile("CN"))]
    counsel.write_text('["cn@1"]\n' + "".join(f'{key} = "opinion 1"\n' for key in keys))
    real = sandbox.settings.model_copy(update={"sandbox": False, "counsel_path": counsel})

    with pytest.raises(SettingsError, match="exchange profile propose"):
        serve(real)
