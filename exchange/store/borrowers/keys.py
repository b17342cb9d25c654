"""Statements about borrowers: their passkeys, vouchers, links and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.domain.borrowers.passkeys import Passkey
from exchange.services.borrower.statements import (
    Cosignature,
    GrantLink,
    NewVoucher,
    PageSession,
    SessionTerms,
    Voucher,
)
from exchange.store.statement import Statement

_PUT_LINK = Statement("""
INSERT INTO grant_link (grantee, grant_id, secret_sha256, made_at, expires_at)
VALUES (%(grantee)s, %(grant_id)s, %(secret_sha256)s, %(made_at)s, %(expires_at)s)
ON CONFLICT (grantee, grant_id) DO UPDATE SET secret_sha256 = excluded.secret_sha256,
    made_at = excluded.made_at, expires_at = excluded.expires_at
""")

_FIND_LINK = Statement("""
SELECT grantee, grant_id, secret_sha256, made_at, expires_at FROM grant_link
WHERE secret_sha256 = %(secret_sha256)s
""")

# Each link and each challenge opens one session: the unique index says so.
_OPEN_SESSION = Statement("""
INSERT INTO page_session (session_sha256, opened_with, agent_sha256, started_at, seen_at,
    credential_id, grantee, grant_id)
VALUES (%(session_sha256)s, %(opened_with)s, %(agent_sha256)s, %(started_at)s, %(started_at)s,
    %(credential_id)s, %(grantee)s, %(grant_id)s)
ON CONFLICT DO NOTHING
""")

_RESUME_SESSION = Statement("""
UPDATE page_session SET seen_at = %(now)s
WHERE session_sha256 = %(session_sha256)s AND agent_sha256 = %(agent_sha256)s
    AND ended_at IS NULL AND seen_at > %(now)s - %(idle_seconds)s
    AND started_at > %(now)s - %(session_seconds)s
RETURNING session_sha256, opened_with, agent_sha256, started_at, credential_id, grantee, grant_id
""")

_END_SESSION = Statement("""
UPDATE page_session SET ended_at = %(now)s
WHERE session_sha256 = %(session_sha256)s AND ended_at IS NULL
""")

_ADD_PASSKEY = Statement("""
INSERT INTO passkey (credential_id, public_key, sign_count, made_at)
VALUES (%(credential_id)s, %(public_key)s, %(sign_count)s, %(made_at)s)
ON CONFLICT DO NOTHING
""")

_FIND_PASSKEY = Statement("""
SELECT credential_id, public_key, sign_count, made_at, ended_at FROM passkey
WHERE credential_id = %(credential_id)s FOR UPDATE
""")

_COUNT_USE = Statement("""
UPDATE passkey SET sign_count = %(sign_count)s WHERE credential_id = %(credential_id)s
""")

_VOUCH = Statement("""
INSERT INTO passkey_voucher (token_index, credential_id, voucher, epoch, grant_id, vouched_at)
VALUES (%(token_index)s, %(credential_id)s, %(voucher)s, %(epoch)s, %(grant_id)s, %(vouched_at)s)
ON CONFLICT DO NOTHING
""")

# A grant carried over to another epoch's token takes its voucher along.
_VOUCHERS = Statement("""
SELECT token_index, epoch, voucher, vouched_at FROM passkey_voucher
WHERE credential_id = %(credential_id)s
UNION
SELECT b.token_index, b.epoch, v.voucher, v.vouched_at
FROM passkey_voucher v JOIN grant_binding b ON b.grantee = v.voucher AND b.grant_id = v.grant_id
WHERE v.credential_id = %(credential_id)s
ORDER BY 4, 3
""")

_OTHER_KEYS = Statement("""
SELECT v.token_index, v.epoch, v.voucher, v.vouched_at
FROM passkey_voucher v JOIN passkey p USING (credential_id)
WHERE v.token_index = ANY(%(indices)s::bytea[]) AND v.credential_id <> %(credential_id)s
    AND p.ended_at IS NULL
ORDER BY v.vouched_at DESC, v.voucher
""")

_KEEP_COSIGNATURE = Statement("""
INSERT INTO grant_cosignature (grantee, grant_id, credential_id, public_key, client_data,
    authenticator_data, signature, signed_at)
VALUES (%(grantee)s, %(grant_id)s, %(credential_id)s, %(public_key)s, %(client_data)s,
    %(authenticator_data)s, %(signature)s, %(signed_at)s)
""")

_FIND_SIGNER = Statement("""
SELECT credential_id FROM grant_cosignature
WHERE grantee = %(grantee)s AND grant_id = %(grant_id)s
""")

_END_PASSKEY = Statement("""
WITH ended AS (
    UPDATE passkey SET ended_at = %(now)s
    WHERE credential_id = %(credential_id)s AND ended_at IS NULL RETURNING credential_id
)
UPDATE page_session s SET ended_at = %(now)s
FROM ended e WHERE s.credential_id = e.credential_id AND s.ended_at IS NULL
""")

_FORGET_SESSIONS = Statement("DELETE FROM page_session WHERE started_at < %(before)s")


class Borrowers:
    """Statements about borrowers, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def put_link(self, link: GrantLink) -> None:
        """Store a request's link in the place of an older one."""
        _PUT_LINK.run(self._connection, link._asdict())

    def find_link(self, secret_sha256: bytes) -> GrantLink | None:
        """Find the link with this secret."""
        row = _FIND_LINK.run(self._connection, {"secret_sha256": secret_sha256}).fetchone()
        return GrantLink(*row) if row else None

    def open_session(self, session: PageSession) -> bool:
        """Open a session; say whether what it is opened with was still unused."""
        return _OPEN_SESSION.run(self._connection, session._asdict()).rowcount == 1

    def resume_session(
        self, session_sha256: bytes, agent_sha256: bytes, terms: SessionTerms, now: int
    ) -> PageSession | None:
        """Find a session that is still open in this browser, and note that it was seen."""
        parameters = {
            "session_sha256": session_sha256,
            "agent_sha256": agent_sha256,
            "idle_seconds": terms.idle_seconds_max,
            "session_seconds": terms.session_seconds_max,
            "now": now,
        }
        row = _RESUME_SESSION.run(self._connection, parameters).fetchone()
        return PageSession(*row) if row else None

    def end_session(self, session_sha256: bytes, now: int) -> None:
        """End a session."""
        parameters = {"session_sha256": session_sha256, "now": now}
        _END_SESSION.run(self._connection, parameters)

    def add_passkey(self, passkey: Passkey) -> bool:
        """Add a key; say whether its id was free."""
        parameters = {
            "credential_id": passkey.credential_id,
            "public_key": passkey.public_key,
            "sign_count": passkey.sign_count,
            "made_at": passkey.made_at,
        }
        return _ADD_PASSKEY.run(self._connection, parameters).rowcount == 1

    def find_passkey(self, credential_id: bytes) -> Passkey | None:
        """Find a key and hold its row until the end."""
        row = _FIND_PASSKEY.run(self._connection, {"credential_id": credential_id}).fetchone()
        if row is None:
            return None
        return Passkey(
            credential_id=row[0],
            public_key=row[1],
            sign_count=row[2],
            made_at=row[3],
            ended_at=row[4],
        )

    def count_use(self, credential_id: bytes, sign_count: int) -> None:
        """Note a key's new count."""
        parameters = {"credential_id": credential_id, "sign_count": sign_count}
        _COUNT_USE.run(self._connection, parameters)

    def vouch(self, voucher: NewVoucher) -> None:
        """Tie a key to a subject's token; to do so again changes nothing."""
        _VOUCH.run(self._connection, voucher._asdict())

    def vouchers(self, credential_id: bytes) -> list[Voucher]:
        """List who vouched for a key."""
        rows = _VOUCHERS.run(self._connection, {"credential_id": credential_id})
        return [Voucher(*row) for row in rows]

    def other_keys(self, credential_id: bytes, indices: Sequence[bytes]) -> list[Voucher]:
        """List who vouched for another key of these subjects, newest first."""
        parameters = {"credential_id": credential_id, "indices": list(indices)}
        return [Voucher(*row) for row in _OTHER_KEYS.run(self._connection, parameters)]

    def keep_cosignature(self, signature: Cosignature) -> None:
        """Keep what the borrower signed."""
        assertion = signature.assertion
        parameters = {
            "grantee": signature.grantee,
            "grant_id": signature.grant_id,
            "credential_id": assertion.credential_id,
            "public_key": signature.passkey.public_key,
            "client_data": assertion.client_data,
            "authenticator_data": assertion.authenticator_data,
            "signature": assertion.signature,
            "signed_at": signature.signed_at,
        }
        _KEEP_COSIGNATURE.run(self._connection, parameters)

    def find_signer(self, grantee: str, grant_id: UUID) -> bytes | None:
        """Find the key that signed a grant."""
        parameters = {"grantee": grantee, "grant_id": grant_id}
        row = _FIND_SIGNER.run(self._connection, parameters).fetchone()
        return row[0] if row else None

    def end_passkey(self, credential_id: bytes, now: int) -> None:
        """End a key and every session of it."""
        _END_PASSKEY.run(self._connection, {"credential_id": credential_id, "now": now})

    def forget_sessions(self, before: int) -> int:
        """Delete sessions that began before a time; say how many."""
        return _FORGET_SESSIONS.run(self._connection, {"before": before}).rowcount
