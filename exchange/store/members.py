"""Statements about members, their keys, nonces and quotas."""

from __future__ import annotations

import json
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.domain.members import Algorithm, Member, MemberKey, MemberStatus, NewKey, Role
from exchange.domain.queries import Asker
from exchange.services.members.ports import Change, ChangeKind, Proposal
from exchange.store.statement import Statement

_FIND_KEY = Statement("""
SELECT k.member_id, k.key, k.algorithm, k.public_key, k.not_before, k.not_after, k.revoked_at,
    m.status, m.roles
FROM member_key k JOIN member m USING (member_id)
WHERE k.member_id = %(member)s AND k.key = %(key)s
""")

# The standing of a key, read in the transaction that acts on it.
KEY_LIVE = """
(SELECT m.status = 'ACTIVE' AND k.revoked_at IS NULL
    AND k.not_before <= %(now)s AND %(now)s < k.not_after
 FROM member_key k JOIN member m USING (member_id)
 WHERE k.member_id = %(member)s AND k.key = %(key)s)"""

CLAIM_NONCE = """
    INSERT INTO nonce (member_id, nonce, seen_at) VALUES (%(member)s, %(nonce)s, %(now)s)
    ON CONFLICT DO NOTHING RETURNING 1"""

_SPEND_NONCE = Statement(f"""
WITH claimed AS ({CLAIM_NONCE})
SELECT EXISTS (SELECT 1 FROM claimed), coalesce({KEY_LIVE}, false)
""")  # noqa: S608 - composed of constants alone

_FORGET_NONCES = Statement("DELETE FROM nonce WHERE seen_at < %(before)s")
_FORGET_COUNTS = Statement("DELETE FROM quota WHERE period < %(before)s")

# The row lock of the upsert makes the count exact across workers.
_COUNT = Statement("""
INSERT INTO quota AS q (member_id, what, period, used)
SELECT %(member)s, %(what)s, %(period)s, %(amount)s WHERE %(amount)s <= %(limit)s
ON CONFLICT (member_id, what, period) DO UPDATE SET used = q.used + excluded.used
    WHERE q.used + excluded.used <= %(limit)s
RETURNING 1
""")


_MEMBERS = """
SELECT member_id, name, contact, status, roles, zone, profile FROM member
WHERE %(member)s::text IS NULL OR member_id = %(member)s::text ORDER BY member_id
"""
_ALL_MEMBERS = Statement(_MEMBERS)
_ALL_KEYS = Statement(
    """
SELECT k.member_id, k.key, k.algorithm, k.public_key, k.not_before, k.not_after, k.revoked_at,
    m.status, m.roles
FROM member_key k JOIN member m USING (member_id) ORDER BY k.member_id, k.key
"""
)
_ENROL = Statement(
    """
INSERT INTO member (member_id, name, contact, status, roles, zone, profile, enrolled_at)
VALUES (%(member)s, %(name)s, %(contact)s, %(status)s, %(roles)s, %(zone)s, %(profile)s, %(now)s)
ON CONFLICT DO NOTHING
"""
)
_SET_STATUS = Statement("UPDATE member SET status = %(status)s WHERE member_id = %(member)s")
_ADD_KEY = Statement(
    """
INSERT INTO member_key (member_id, key, algorithm, public_key, not_before, not_after, added_at)
VALUES (%(member)s, %(key)s, %(algorithm)s, %(public_key)s, %(not_before)s, %(not_after)s, %(now)s)
ON CONFLICT DO NOTHING
"""
)
_REVOKE_KEY = Statement(
    """
UPDATE member_key SET revoked_at = %(now)s
WHERE member_id = %(member)s AND key = %(key)s AND revoked_at IS NULL
"""
)


_SET_ROLES = Statement("UPDATE member SET roles = %(roles)s WHERE member_id = %(member)s")
_ADD_PROPOSAL = Statement(
    """
INSERT INTO member_proposal
    (proposal_id, kind, member_id, details, proposed_by, proposed_at, lapses_at)
VALUES (%(id)s, %(kind)s, %(member)s, %(details)s, %(by)s, %(at)s, %(lapses)s)
"""
)
_PROPOSAL = "proposal_id, kind, member_id, details, proposed_by, proposed_at, lapses_at"
_APPROVE = Statement(
    f"""
UPDATE member_proposal SET approved_by = %(by)s, approved_at = %(now)s
WHERE proposal_id = %(id)s AND approved_by IS NULL AND lapses_at > %(now)s
RETURNING {_PROPOSAL}
"""  # noqa: S608 - composed of constants alone
)
_PROPOSALS = Statement(
    f"""
SELECT {_PROPOSAL} FROM member_proposal
WHERE approved_by IS NULL AND lapses_at > %(now)s ORDER BY proposal_id
"""  # noqa: S608 - composed of constants alone
)


_PROFILE = Statement("SELECT sha256 FROM profile_in_force ORDER BY since DESC LIMIT 1")
# Later than the one before, also within its second.
_PUT_PROFILE = Statement("""
INSERT INTO profile_in_force (sha256, ref, since)
SELECT %(sha256)s, %(ref)s, greatest(%(now)s, coalesce(max(since) + 1, 0)) FROM profile_in_force
""")


class Members:
    """Statements about members, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def find_key(self, member: str, key: str) -> MemberKey | None:
        """Find a key with its member's standing, live or not."""
        row = _FIND_KEY.run(self._connection, {"member": member, "key": key}).fetchone()
        return None if row is None else _member_key(row)

    def spend_nonce(self, asker: Asker, now: int) -> tuple[bool, bool]:
        """Claim a nonce; say (it was fresh, the key is live)."""
        row = _SPEND_NONCE.run(
            self._connection,
            {"member": asker.member, "key": asker.key, "nonce": asker.nonce, "now": now},
        ).fetchone()
        return (False, False) if row is None else (row[0], row[1])

    def find(self, member: str) -> Member | None:
        """Find a member."""
        row = _ALL_MEMBERS.run(self._connection, {"member": member}).fetchone()
        return None if row is None else _member(row)

    def all(self) -> list[tuple[Member, list[MemberKey]]]:
        """List every member with its keys."""
        keys: dict[str, list[MemberKey]] = {}
        for row in _ALL_KEYS.run(self._connection, {}):
            keys.setdefault(row[0], []).append(_member_key(row))
        rows = _ALL_MEMBERS.run(self._connection, {"member": None})
        return [(_member(row), keys.get(row[0], [])) for row in rows]

    def enrol(self, member: Member, now: int) -> bool:
        """Add a member; say whether the id was free."""
        parameters = {
            "member": member.member,
            "name": member.name,
            "contact": member.contact,
            "status": member.status.value,
            "roles": [role.value for role in sorted(member.roles)],
            "zone": member.zone,
            "profile": member.profile,
            "now": now,
        }
        return _ENROL.run(self._connection, parameters).rowcount == 1

    def set_status(self, member: str, status: MemberStatus) -> bool:
        """Set a member's standing; say whether there is such a member."""
        parameters = {"member": member, "status": status.value}
        return _SET_STATUS.run(self._connection, parameters).rowcount == 1

    def set_roles(self, member: str, roles: frozenset[Role]) -> bool:
        """Set a member's roles; say whether there is such a member."""
        parameters = {"member": member, "roles": [role.value for role in sorted(roles)]}
        return _SET_ROLES.run(self._connection, parameters).rowcount == 1

    def add_proposal(self, proposal: Proposal) -> None:
        """Store a proposal."""
        parameters = {
            "id": proposal.proposal_id,
            "kind": proposal.change.kind.value,
            "member": proposal.change.member,
            "details": json.dumps(proposal.change.details, sort_keys=True),
            "by": proposal.proposed_by,
            "at": proposal.proposed_at,
            "lapses": proposal.lapses_at,
        }
        _ADD_PROPOSAL.run(self._connection, parameters)

    def approve(self, proposal_id: UUID, by: str, now: int) -> Proposal | None:
        """Mark a proposal approved and lock it; None if it is not there to be approved."""
        parameters = {"id": proposal_id, "by": by, "now": now}
        row = _APPROVE.run(self._connection, parameters).fetchone()
        return None if row is None else _proposal(row)

    def proposals(self, now: int) -> list[Proposal]:
        """List the proposals that wait for a second person."""
        return [_proposal(row) for row in _PROPOSALS.run(self._connection, {"now": now})]

    def add_key(self, member: str, new: NewKey, now: int) -> bool:
        """Add a public key; say whether its name was free."""
        parameters = {
            "member": member,
            "key": new.key,
            "algorithm": new.algorithm.value,
            "public_key": new.public_key,
            "not_before": new.not_before,
            "not_after": new.not_after,
            "now": now,
        }
        return _ADD_KEY.run(self._connection, parameters).rowcount == 1

    def revoke_key(self, member: str, key: str, now: int) -> bool:
        """Revoke a key; say whether there was a live one."""
        parameters = {"member": member, "key": key, "now": now}
        return _REVOKE_KEY.run(self._connection, parameters).rowcount == 1

    def profile_in_force(self) -> bytes | None:
        """Return the SHA-256 of the profile put in force last; None before there is one."""
        row = _PROFILE.run(self._connection, {}).fetchone()
        return None if row is None else row[0]

    def put_profile_in_force(self, ref: str, sha256: bytes, now: int) -> None:
        """Say which profile is in force from now on."""
        _PUT_PROFILE.run(self._connection, {"ref": ref, "sha256": sha256, "now": now})

    def forget_nonces(self, before: int) -> int:
        """Delete nonces seen before a time; say how many."""
        return _FORGET_NONCES.run(self._connection, {"before": before}).rowcount

    def forget_counts(self, before: int) -> int:
        """Delete quota counters of periods that began before a time; say how many."""
        return _FORGET_COUNTS.run(self._connection, {"before": before}).rowcount

    def count(self, member: str, what: str, *, period: int, amount: int, limit: int) -> bool:
        """Add to a quota counter if it stays within the limit; say whether it did."""
        parameters = {
            "member": member,
            "what": what,
            "period": period,
            "amount": amount,
            "limit": limit,
        }
        return _COUNT.run(self._connection, parameters).fetchone() is not None


def _proposal(row: TupleRow) -> Proposal:
    return Proposal(
        proposal_id=row[0],
        change=Change(kind=ChangeKind(row[1]), member=row[2], details=json.loads(row[3])),
        proposed_by=row[4],
        proposed_at=row[5],
        lapses_at=row[6],
    )


def _member_key(row: TupleRow) -> MemberKey:
    return MemberKey(
        member=row[0],
        key=row[1],
        algorithm=Algorithm(row[2]),
        public_key=row[3],
        not_before=row[4],
        not_after=row[5],
        revoked_at=row[6],
        status=MemberStatus(row[7]),
        roles=frozenset(Role(role) for role in row[8]),
    )


def _member(row: TupleRow) -> Member:
    return Member(
        member=row[0],
        name=row[1],
        contact=row[2],
        status=MemberStatus(row[3]),
        roles=frozenset(Role(role) for role in row[4]),
        zone=row[5],
        profile=row[6],
    )
