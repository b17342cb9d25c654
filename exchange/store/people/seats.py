"""Statements about seats at the console, and the passkeys of those who sit there."""

from __future__ import annotations

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.domain.borrowers.passkeys import Passkey
from exchange.domain.members import Role
from exchange.services.seats.ports import NewSeat, Seat, Seated, SeatName
from exchange.store.statement import Statement

_ENROL = Statement("""
INSERT INTO seat (member_id, name, link_sha256, link_until, enrolled_at)
VALUES (%(member)s, %(name)s, %(link_sha256)s, %(link_until)s, %(now)s)
ON CONFLICT (member_id, name) DO UPDATE SET link_sha256 = excluded.link_sha256,
    link_until = excluded.link_until, enrolled_at = excluded.enrolled_at, retired_at = NULL
""")
_RETIRE = Statement("""
UPDATE seat SET retired_at = %(now)s
WHERE member_id = %(member)s AND name = %(name)s AND retired_at IS NULL
""")
_ALL = Statement("""
SELECT s.member_id, s.name, s.link_until, s.retired_at, k.made_at
FROM seat s LEFT JOIN seat_key k USING (link_sha256) ORDER BY s.member_id, s.name
""")

# A seat counts while it is not retired and its member is heard.
_LIVE = "s.retired_at IS NULL AND m.status = 'ACTIVE'"
_BY_LINK = Statement(f"""
SELECT s.member_id, s.name, m.name, m.roles FROM seat s JOIN member m USING (member_id)
WHERE s.link_sha256 = %(link_sha256)s AND %(now)s < s.link_until AND {_LIVE}
    AND NOT EXISTS (SELECT 1 FROM seat_key k WHERE k.link_sha256 = s.link_sha256)
""")  # noqa: S608 - composed of constants alone
_BY_KEY = Statement(f"""
SELECT s.member_id, s.name, m.name, m.roles
FROM seat_key k JOIN seat s USING (link_sha256) JOIN member m USING (member_id)
WHERE k.credential_id = %(credential_id)s AND {_LIVE}
""")  # noqa: S608 - composed of constants alone

# Each link makes one key: the unique index says so.
_ADD_KEY = Statement("""
INSERT INTO seat_key (credential_id, link_sha256, public_key, sign_count, made_at)
VALUES (%(credential_id)s, %(link_sha256)s, %(public_key)s, %(sign_count)s, %(made_at)s)
ON CONFLICT DO NOTHING
""")
_FIND_KEY = Statement("""
SELECT credential_id, public_key, sign_count, made_at FROM seat_key
WHERE credential_id = %(credential_id)s FOR UPDATE
""")
_COUNT_USE = Statement("""
UPDATE seat_key SET sign_count = %(sign_count)s WHERE credential_id = %(credential_id)s
""")


class Seats:
    """Statements about seats, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def enrol(self, new: NewSeat, now: int) -> None:
        """Give a person a seat, or a new link to the one they have."""
        given = {
            "member": new.seat.member,
            "name": new.seat.name,
            "link_sha256": new.link_sha256,
            "link_until": new.link_until,
            "now": now,
        }
        _ENROL.run(self._connection, given)

    def retire(self, seat: SeatName, now: int) -> bool:
        """Retire a seat; say whether there was one."""
        return _RETIRE.run(self._connection, {**seat._asdict(), "now": now}).rowcount == 1

    def all(self) -> list[Seat]:
        """List every seat, retired ones as well."""
        return [
            Seat(SeatName(row[0], row[1]), link_until=row[2], retired_at=row[3], key_made_at=row[4])
            for row in _ALL.run(self._connection, {})
        ]

    def of_link(self, link_sha256: bytes, now: int) -> Seated | None:
        """Find the seat whose link this is, unless it was used, has ended or never was."""
        asked = {"link_sha256": link_sha256, "now": now}
        return _seated(_BY_LINK.run(self._connection, asked).fetchone())

    def of_key(self, credential_id: bytes) -> Seated | None:
        """Find the live seat of a passkey."""
        asked = {"credential_id": credential_id}
        return _seated(_BY_KEY.run(self._connection, asked).fetchone())

    def add_key(self, passkey: Passkey, link_sha256: bytes) -> bool:
        """Add the key of a link; say whether the link had none, and the key's id was free."""
        given = {
            "credential_id": passkey.credential_id,
            "link_sha256": link_sha256,
            "public_key": passkey.public_key,
            "sign_count": passkey.sign_count,
            "made_at": passkey.made_at,
        }
        return _ADD_KEY.run(self._connection, given).rowcount == 1

    def find_key(self, credential_id: bytes) -> Passkey | None:
        """Find a key, whether its seat still counts or not, and hold its row until the end."""
        row = _FIND_KEY.run(self._connection, {"credential_id": credential_id}).fetchone()
        if row is None:
            return None
        return Passkey(credential_id=row[0], public_key=row[1], sign_count=row[2], made_at=row[3])

    def count_use(self, credential_id: bytes, sign_count: int) -> None:
        """Note a key's new count."""
        parameters = {"credential_id": credential_id, "sign_count": sign_count}
        _COUNT_USE.run(self._connection, parameters)


def _seated(row: TupleRow | None) -> Seated | None:
    if row is None:
        return None
    roles = frozenset(Role(one) for one in row[3])
    return Seated(SeatName(row[0], row[1]), member_name=row[2], roles=roles)
