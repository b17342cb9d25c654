"""The fake's one status list: two bits a grant, signed when it is asked for.

The exchange publishes its lists every ten minutes, and gives grants places drawn at random.
"""

from __future__ import annotations

import zlib
from typing import Final

from exchange_client._consent.grants import GrantState
from exchange_client.core.encoding import b64url, dumps
from exchange_client.signing import sign_jws
from exchange_client.statuses import STATUS_LIST_TYPE, Status
from exchange_client.testing.refusals import Answered, Refusal
from exchange_client.testing.world import EXCHANGE, PUBLIC_BASE, World

LIST: Final = 1
TTL_SECONDS: Final = 600
_SUSPENDED: Final = frozenset({GrantState.PAUSED, GrantState.REQUESTED})


def signed_list(world: World, number: str) -> Answered:
    """Return the list.

    Raises:
        Refusal: 404, the fake has one list only.
    """
    if number != str(LIST):
        raise Refusal(404, "absent")
    now, packed = world.clock(), bytearray(max(1, (len(world.grants) + 3) // 4))
    for idx, grant in enumerate(world.grants.values()):
        packed[idx >> 2] |= _status(grant.state(now)) << 2 * (idx & 3)
    claims: dict[str, object] = {
        "iss": EXCHANGE,
        "sub": f"{PUBLIC_BASE}/v1/status-lists/{number}",
        "iat": now,
        "exp": now + 3 * TTL_SECONDS,
        "ttl": TTL_SECONDS,
        "status_list": {"bits": 2, "lst": b64url(zlib.compress(bytes(packed)))},
    }
    text = sign_jws(dumps(claims), STATUS_LIST_TYPE, world.keys["statement"])
    return Answered(body=text.encode(), content_type="application/statuslist+jwt")


def _status(state: GrantState) -> Status:
    if state is GrantState.ACTIVE:
        return Status.VALID
    return Status.SUSPENDED if state in _SUSPENDED else Status.INVALID
