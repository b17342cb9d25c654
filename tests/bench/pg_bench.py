"""The other yardstick: pgbench with the query's transaction in four statements, unsigned.

The same database, tables and indices, durable commits, as many connections. Left out: signatures,
sealing, JSON, HTTP, the nonce, the law. Its leaves stand in a log of their own number, which no
sequencer reads.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

from exchange.store.embedded.binaries import find_binaries

SUBJECTS = 20_000
MEMBER = "pgbench"
LOG_ID = -1
_TOKEN = "sha256(int4send(:n::int))"
_GRANT = "md5('g' || :n)::uuid"
_LEAF = "sha256(('l' || :client_id || '-' || :r)::bytea)"
_SETUP = f"""
INSERT INTO grants (token_index, grantee, grant_id, epoch, purpose, state, level, not_before,
    expires, detail, fields, lookback_months)
SELECT sha256(int4send(n)), '{MEMBER}', md5('g' || n)::uuid, g.epoch, g.purpose, g.state, g.level,
    g.not_before, g.expires, g.detail, g.fields, g.lookback_months
FROM generate_series(1, {SUBJECTS}) n, (SELECT * FROM grants LIMIT 1) g;
INSERT INTO record (token_index, record_id, version, member_id, epoch, submitted_at, kek_id,
    wrapped, sealed)
SELECT sha256(int4send(n)), gen_random_uuid(), 1, r.member_id, r.epoch, r.submitted_at, r.kek_id,
    r.wrapped, r.sealed
FROM generate_series(1, {SUBJECTS}) n, (SELECT * FROM record LIMIT 1) r;
ANALYZE grants, record;
"""
# Sizes as a query writes them: an entry of 116 bytes, three sealed texts.
_SCRIPT = f"""\
\\set n random(1, {SUBJECTS})
\\set r random(1, 9000000000000000)
BEGIN;
UPDATE grants SET uses = uses + 1 WHERE token_index = {_TOKEN} AND grantee = '{MEMBER}'
    AND grant_id = {_GRANT} RETURNING state, purpose, level, expires, uses, max_uses, detail,
    fields, lookback_months;
SELECT record_id, member_id, version, epoch, disputed, suppressed, kek_id, wrapped, sealed
    FROM record WHERE token_index = {_TOKEN} AND current;
WITH leaves AS (INSERT INTO leaf (leaf_hash, log_id, entry, created_at)
    VALUES ({_LEAF}, {LOG_ID}, decode(repeat('00', 116), 'hex'), 1)),
    openings AS (INSERT INTO opening (leaf_hash, key_id, subject, audit)
    VALUES ({_LEAF}, 'k', decode(repeat('00', 316), 'hex'), decode(repeat('00', 572), 'hex')))
    INSERT INTO log_search (leaf_hash, kind, member_id, subject, purpose, outcome, t, operator_mac,
    application_mac) VALUES ({_LEAF}, 'query', '{MEMBER}', md5('s' || :n), 'credit_application',
    'ADVERSE', 1, sha256('o'), sha256('a'));
INSERT INTO query (member_id, query_id, digest, leaf_hash, key_id, sealed) VALUES ('{MEMBER}',
    gen_random_uuid(), sha256('d'), {_LEAF}, 'k', decode(repeat('00', 2076), 'hex'));
COMMIT;
"""
_RATE = re.compile(r"tps = ([0-9.]+)")


class PgBench:
    """pgbench on the database under test."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in _SETUP.split(";\n"):
                if statement.strip():
                    connection.execute(statement.encode())

    def rate(self, seconds: int, connections: int) -> float:
        """Return transactions a second."""
        with tempfile.TemporaryDirectory() as directory:
            script = Path(directory) / "query.sql"
            script.write_text(_SCRIPT)
            command = [str(find_binaries(None).path / "pgbench"), "-n", "-M", "prepared"]
            command += ["-c", str(connections), "-T", str(seconds), "-f", str(script)]
            command += ["-h", parse_qs(self._url.query)["host"][0], "-U", self._url.username or ""]
            done = subprocess.run(
                [*command, self._url.path.strip("/")],
                env={**os.environ, "PGPASSWORD": self._url.password or ""},
                capture_output=True,
                text=True,
                timeout=seconds + 60,
                check=True,
            )
        if (found := _RATE.search(done.stdout)) is None:
            raise RuntimeError("pgbench told no rate")
        return float(found[1])
