"""Publish signed status lists: each anew every ten minutes, by whichever process finds it due.

A list is held by a row lock while it is made, so that two publishers never make one twice; what
time and uses have ended is ended in it, whatever is stored.
"""

from __future__ import annotations

import json

from consent.grants import derive_state
from exchange.crypto.keyring import Use
from exchange.crypto.signing import sign_jws
from exchange.domain.outward.statuses import (
    BITS,
    FILLED_MAX,
    LIFE_SECONDS,
    STATUS_LIST_TYPE,
    TTL_SECONDS,
    pack,
    status_of,
)
from exchange.errors import AbsentError
from exchange.services.ports import Ports, Work

LISTS_A_TURN_MAX = 100


def publish_lists(ports: Ports) -> int:
    """Publish every list that is due; say how many."""
    for published in range(LISTS_A_TURN_MAX):
        if not _publish_one(ports):
            return published
    return LISTS_A_TURN_MAX


def signed_list(list_id: int, ports: Ports) -> str:
    """Return a list as it was last published.

    Raises:
        AbsentError: there is no such list.
    """
    with ports.begin() as work:
        token = work.statuses.find(list_id)
    if not token:
        raise AbsentError
    return token


def list_uri(list_id: int, ports: Ports) -> str:
    """Name a list, as its own `sub` does."""
    return f"{ports.terms.public_base}/v1/status-lists/{list_id}"


def _publish_one(ports: Ports) -> bool:
    now = ports.now()
    with ports.begin() as work:
        work.statuses.open_next(FILLED_MAX)
        list_id = work.statuses.take_due(now - TTL_SECONDS)
        if list_id is not None:
            work.statuses.publish(list_id, _sign(list_id, work, ports, now), now)
        work.commit()
    return list_id is not None


def _sign(list_id: int, work: Work, ports: Ports, now: int) -> str:
    statuses = (
        (one.idx, status_of(derive_state(one.state, now, one.expires, one.uses, one.max_uses)))
        for one in work.statuses.standings(list_id)
    )
    claims = {
        "iss": ports.terms.issuer,
        "sub": list_uri(list_id, ports),
        "iat": now,
        "exp": now + LIFE_SECONDS,
        "ttl": TTL_SECONDS,
        "status_list": {"bits": BITS, "lst": pack(statuses)},
    }
    text = json.dumps(claims, separators=(",", ":")).encode()
    keyring = ports.keyring
    kid, sign = keyring.kid(Use.STATEMENT), keyring.signer(Use.STATEMENT)
    return sign_jws(text, STATUS_LIST_TYPE, kid, sign)
