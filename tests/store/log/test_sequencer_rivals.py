"""Two sequencers at once: on one host, on two, on one database, on a copy of it."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import psycopg
import pytest

from exchange.errors import UnavailableError
from exchange.services.log.verify_log import verify_log
from exchange.store.embedded.server import Server
from tests.support.access_log import access_log, copy_database, run_sql


def test_two_sequencers_of_one_host_take_turns_even_on_two_databases(
    database_url: str, tmp_path: Path, postgres_server: Server
) -> None:
    """Both would pass the check of the file, and sign two trees of one size."""
    with access_log(database_url, tmp_path) as log:
        log.turn()
    copy_url = copy_database(postgres_server, database_url)
    with access_log(database_url, tmp_path) as log, access_log(copy_url, tmp_path) as copy:
        copy.write(1)

        with log.sequencer.outside(log.origin()), pytest.raises(UnavailableError):
            copy.turn()

        assert 2 == copy.turn().size


def test_two_sequencers_of_two_hosts_on_one_database_give_each_leaf_one_index(
    database_url: str, tmp_path: Path
) -> None:
    """An index given twice is a fork."""
    hosts = [tmp_path / "one", tmp_path / "two"]
    for host in hosts:
        host.mkdir()
    with access_log(database_url, hosts[0]) as log:
        log.turn()
        (hosts[1] / "keyring.json").write_bytes((hosts[0] / "keyring.json").read_bytes())
        (hosts[1] / "keyring.json").chmod(0o600)
        (hosts[1] / log.outside().name).write_bytes(log.outside().read_bytes())
        failures: list[Exception] = []

        def work(host: Path) -> None:
            try:
                with access_log(database_url, host, rows_max=3) as one:
                    for _ in range(12):
                        one.write(2)
                        one.turn()
            except Exception as error:
                failures.append(error)

        threads = [Thread(target=work, args=(host,)) for host in hosts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [] == failures
        indices = run_sql(database_url, "SELECT leaf_index FROM leaf_place ORDER BY leaf_index")
        assert [(n,) for n in range(49)] == indices
        log.turn()
        assert 49 == verify_log(log.open(), log.sequencer)


def test_a_sequencer_that_finds_the_row_locked_leaves_the_turn_to_the_other(
    database_url: str, tmp_path: Path
) -> None:
    """Two turns at once would both start from one size."""
    with access_log(database_url, tmp_path) as log:
        log.turn()
        log.write(1)
        with psycopg.connect(log.url) as paused:
            paused.execute("SELECT 1 FROM log_state FOR UPDATE")
            with pytest.raises(UnavailableError):
                log.turn()

        assert 2 == log.turn().size
