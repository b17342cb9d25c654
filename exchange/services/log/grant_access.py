"""Give a member a path of its own to the log's tiles, or take it back.

The path is random: whoever mirrors the log by it can be told apart and shut out. Only its hash is
kept, so that a stolen database opens no log.
"""

from __future__ import annotations

from hashlib import sha256

from exchange.domain.base64url import b64url
from exchange.errors import AbsentError
from exchange.services.log.ports import LogPorts

_CAPABILITY_BYTES = 18


def grant_access(member: str, ports: LogPorts) -> str:
    """Make a capability for a member and return it: it is shown this once.

    Raises:
        AbsentError: there is no such member.
    """
    capability = b64url(ports.ports.random_bytes(_CAPABILITY_BYTES))
    with ports.ports.begin() as work:
        if work.members.find(member) is None:
            raise AbsentError("no such member", field="member")
    with ports.begin() as work:
        hashed = sha256(capability.encode()).digest()
        work.publication.add_capability(hashed, member, ports.ports.now())
        work.commit()
    return capability


def revoke_access(member: str, ports: LogPorts) -> int:
    """End every capability of a member from the next request on; return how many there were."""
    with ports.begin() as work:
        ended = work.publication.revoke_capabilities(member, ports.ports.now())
        work.commit()
    return ended
