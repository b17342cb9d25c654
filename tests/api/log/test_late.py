"""No evidence for 300 s, no queries; with evidence again they go on by themselves."""

from __future__ import annotations

from pathlib import Path

from tests.support.access_log import run_sql
from tests.support.grant_desk import GrantDesk
from tests.support.sandbox import make_sandbox


def test_queries_stop_while_the_log_is_late_or_its_clock_far_ahead(
    database_url: str, tmp_path: Path
) -> None:
    """A sequencer that died unseen would let a day of looks wait for their evidence."""
    sandbox = make_sandbox(database_url, tmp_path)
    desk = GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    statuses = {}
    for off in (0, -270, -305, 270, 330):  # seconds of where the log is covered up to, from now
        covered = sandbox.ports.now() + off
        run_sql(database_url, "UPDATE log_state SET covered_until = %s", covered)
        reply = desk.ask(None, abs(off) + (off > 0))
        statuses[off] = reply.status_code
        if reply.status_code != 200:
            assert "log.late" == (reply.json or {})["code"]
            assert 0 < int(reply.headers["Retry-After"])
        ready = sandbox.app.test_client().get("/readyz")
        assert ready.status_code == reply.status_code
    leaves = "SELECT count(*) FROM log_search WHERE kind = 'query'"
    asked = run_sql(database_url, leaves)

    sandbox.sequence()
    after = desk.ask(None, 999).status_code
    sandbox.close()

    assert {0: 200, -270: 200, -305: 503, 270: 200, 330: 503} == statuses
    assert [(3,)] == asked  # What was not answered is no leaf.
    assert 200 == after
