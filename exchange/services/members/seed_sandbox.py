"""Seed an empty sandbox: three lenders and a regulator, each with a key of its own.

The private halves go into key files that `cx` reads, beside the sandbox's other files. In a real
consortium a member makes its key itself, and only the public half ever leaves it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from exchange.crypto.keyring import fingerprint
from exchange.domain.base64url import b64url
from exchange.domain.members import Algorithm, Member, MemberStatus, NewKey, Role
from exchange.services.members.manage_members import add_key, enrol_member, list_members
from exchange.services.notices.manage_notices import seed_notices
from exchange.services.ports import Ports

_KEY = "k1"
_LENDER = frozenset({Role.ASKER, Role.CONTRIBUTOR})
SANDBOX_MEMBERS = {
    "lender-a": ("Synthetic Lender A", _LENDER),
    "lender-b": ("Synthetic Lender B", _LENDER),
    "lender-c": ("Synthetic Lender C", _LENDER),
    "regulator-r": ("Synthetic Regulator", frozenset({Role.REGULATOR})),
}
_YEAR_SECONDS = 365 * 86_400


def seed_sandbox(folder: Path, ports: Ports) -> dict[str, Path]:
    """Register the sandbox's notices, enrol its members; return where their key files are.

    What is there already stays.

    Args:
        folder: where the key files go.
        ports: of a sandbox.
    """
    seed_notices(ports)
    files = {member: folder / f"{member}.key.json" for member in SANDBOX_MEMBERS}
    if list_members(ports):
        return {member: path for member, path in files.items() if path.exists()}
    folder.mkdir(mode=0o700, exist_ok=True)
    for member, (name, roles) in SANDBOX_MEMBERS.items():
        _seed(_sandbox_member(member, name, roles, ports), files[member], ports)
    return files


def _sandbox_member(member: str, name: str, roles: frozenset[Role], ports: Ports) -> Member:
    return Member(
        member=member,
        name=name,
        contact="ops@member.example",
        status=MemberStatus.ACTIVE,
        roles=roles,
        zone=ports.terms.profile.timezone,
        profile=ports.terms.profile.id,
    )


def _seed(member: Member, path: Path, ports: Ports) -> None:
    enrol_member(member, ports)
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    now = ports.now()
    new = NewKey(
        key=_KEY,
        algorithm=Algorithm.ED25519,
        public_key=public,
        not_before=now - 60,
        not_after=now + _YEAR_SECONDS,
    )
    add_key(member.member, new, ports)
    content = {
        "format": "cx-key/1",
        "member": member.member,
        "key": _KEY,
        "algorithm": new.algorithm.value,
        "public_key": b64url(public),
        "fingerprint": fingerprint(public),
        "private_key": private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode(),
    }
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=1)
