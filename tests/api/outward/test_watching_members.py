"""Members whose standing, or whose other request, comes in between a watch and its event."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from consent.purposes import Purpose
from exchange.app.outward import watch_ports
from exchange.domain.members import MemberStatus
from exchange.errors import WatchConflict
from exchange.services.members.manage_members import set_standing
from exchange.services.watches.look_again import look_again
from exchange.services.watches.manage_watches import NewWatch, add_watch
from exchange.services.watches.ports import WatchKey
from tests.support.grant_desk import refusal, shown, token
from tests.support.outward.watching import WatchDesk
from tests.support.sandbox import make_sandbox
from tests.support.stepped import Meanwhile, Steps, stepped


@pytest.fixture
def watcher(database_url: str, tmp_path: Path) -> Iterator[WatchDesk]:
    """A lender that watches, beside one that reports."""
    sandbox = make_sandbox(database_url, tmp_path)
    yield WatchDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    sandbox.close()


def key_of(watch: Mapping[str, object]) -> WatchKey:
    """Return which watch it is."""
    return WatchKey("member-a", UUID(str(watch["watch_id"])[4:]))


def test_a_renewal_is_judged_stored_and_logged(watcher: WatchDesk) -> None:
    """A watch that lives on under no grant, or that nobody finds in the log, is spying."""
    watch = watcher.watching()
    path = f"/v1/watches/{watch['watch_id']}"
    strange = watcher.send(
        "POST", f"{path}/renew", {"grant": watcher.granted(2, purpose="account_review")}
    )
    assert (422, "watch.rule", "/grant") == refusal(strange)
    grant = watcher.granted(1, purpose="account_review")
    leaves = watcher.leaves("watch")

    shown(watcher.send("POST", f"{path}/renew", {"grant": grant}))
    watcher.sql("UPDATE watch SET expires_at = expires_at - 86401 RETURNING 1")
    shown(watcher.send("POST", f"{path}/renew", {}))
    again = watcher.send("POST", f"{path}/renew", {})

    assert "true" == again.headers["Cx-Replayed"]
    stored = shown(watcher.send("GET", path))
    assert (grant, leaves + 2) == (stored["grant"], watcher.leaves("watch"))
    assert stored["expires_at"] == shown(again)["expires_at"]
    watcher.sql("UPDATE record SET open = false WHERE current RETURNING 1")
    fresh = {"grant": watcher.granted(1, purpose="account_review")}
    closed = watcher.send("POST", f"{path}/renew", fresh)
    assert (422, "watch.rule", "/account_ref") == refusal(closed)
    ended = [watcher.send("DELETE", path) for _ in range(2)]
    assert [None, "true"] == [one.headers.get("Cx-Replayed") for one in ended]
    assert leaves + 3 == watcher.leaves("watch")


def test_a_suspended_member_is_told_nothing_and_later_all(watcher: WatchDesk) -> None:
    """Whom the consortium has suspended must not go on looking, nor lose its watches."""
    other = WatchDesk(sandbox=watcher.sandbox, key=watcher.sandbox.enrol("member-b"))
    watch, ports = watcher.watching(kinds=["ENTERED_ARREARS"]), watcher.sandbox.ports
    set_standing("member-a", MemberStatus.SUSPENDED, ports)
    other.uploaded([other.late(days=40)])
    watcher.sql("UPDATE watch SET look_at = 0 RETURNING 1")
    leaves, steps = watcher.leaves("watch"), Steps()

    told = look_again(key_of(watch), stepped(ports, steps))

    assert (0, leaves) == (told, watcher.leaves("watch"))
    assert "watches.velocity" not in steps.steps  # Nothing was looked at.
    set_standing("member-a", MemberStatus.ACTIVE, ports)
    watcher.turn(later_seconds=86_400)
    assert ["ENTERED_ARREARS"] == watcher.kinds()
    assert watcher.stands(watch) is None


def test_a_membership_that_ends_while_its_event_is_written_ends_its_watch(
    watcher: WatchDesk,
) -> None:
    """What was looked at is in the log; nothing is looked at again."""
    other = WatchDesk(sandbox=watcher.sandbox, key=watcher.sandbox.enrol("member-b"))
    watch, ports = watcher.watching(kinds=["ENTERED_ARREARS"]), watcher.sandbox.ports
    other.uploaded([other.late(days=40)])
    watcher.sql("UPDATE watch SET look_at = 0 RETURNING 1")
    ends = Meanwhile(
        before="watches.velocity",
        does=lambda: set_standing("member-a", MemberStatus.RETIRED, ports),
    )

    told = look_again(key_of(watch), stepped(ports, ends))

    leaves = watcher.leaves("watch")
    other.uploaded([other.clean(reason="AMEND")])
    watcher.turn()
    assert 1 == told
    assert leaves + 1 == watcher.leaves("watch")
    assert [("MEMBERSHIP", None)] == watcher.sql("SELECT ended_cause, sealed FROM watch")


def test_a_watch_sent_twice_at_once_is_one(watcher: WatchDesk) -> None:
    """A retry that overtakes the first must not be told that the exchange is broken."""
    watcher.uploaded([watcher.clean(1, "own-1")])
    sent = watcher.new_watch()
    new = NewWatch(
        watch_id=UUID(str(sent["watch_id"])[4:]),
        account_ref="own-1",
        epoch="ep_1",
        tokens=(token(1),),
        purpose=Purpose.ACCOUNT_REVIEW,
        grant_id=UUID(str(sent["grant"])[4:]),
        kinds=(),
        digest=hashlib.sha256(b"sent").digest(),
    )
    sandbox = watcher.sandbox
    desk = watch_ports(sandbox.settings, sandbox.ports)
    faster = Meanwhile(before="watches.account", does=lambda: add_watch("member-a", new, desk))

    with pytest.raises(WatchConflict):
        add_watch("member-a", new, replace(desk, ports=stepped(sandbox.ports, faster)))

    assert add_watch("member-a", new, desk).replayed
    assert [(1,)] == watcher.sql("SELECT live FROM watch_count")
    assert 1 == watcher.leaves("watch")
