"""The real application on a real database, as hostile input meets it: what its routes take.

Members carry the names and keys of `tests/support/edge_app.py`, so that one corpus is tried on
both: on the edge's test application, and on the exchange itself.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from exchange.domain.members import Member, MemberStatus, NewKey, Role
from exchange.services.members.manage_members import (
    add_key,
    enrol_member,
    revoke_key,
    set_standing,
)
from exchange.services.ports import Ports
from exchange_client.core.encoding import b64url
from exchange_client.core.ids import new_id
from tests.hostile.target import Target, free_port, wait_for_port
from tests.support.edge_app import MEMBERS
from tests.support.sandbox import make_sandbox

ROLES = {
    "member-a": (Role.ASKER, Role.CONTRIBUTOR),
    "member-c": (Role.CONTRIBUTOR,),
    "suspended": (Role.ASKER,),
    "retired": (Role.ASKER,),
}
STANDING = {"suspended": MemberStatus.SUSPENDED, "retired": MemberStatus.RETIRED}
WORKERS = 2
YEAR_SECONDS = 365 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTarget(Target):
    """The exchange: the corpus is tried on its queries."""

    other_path: str = "/v1/tokens"
    get_path: str = "/v1/queries/qry_0192f3a000007000800000000000000f"
    integer_pointer: str = "/after/size"
    text_pointer: str = "/operator"
    text_name: str = "operator"
    integers_beyond: tuple[str, ...] = ("0", "-1")
    url: str = field(default="", repr=False)  # of the database

    def body(
        self, *, integer: str = "", flag: str = "", text: str = '"op-1"', more: str = ""
    ) -> bytes:
        """Return a query about a subject of its own, its parts as they are spelled in JSON."""
        token = f'[{{"kind":"identity","value":"{b64url(secrets.token_bytes(64))}"}}]'
        members = {
            "query_id": f'"{new_id("qry")}"',
            "epoch": '"ep_1"',
            "tokens": token,
            "purpose": '"credit_application"',
            "operator": text,
            "application_ref": '"app-1"',
        }
        if integer:
            members["after"] = f'{{"size":{integer},"root":"{b64url(bytes(32))}"}}'
        if flag:
            members["flag"] = flag
        told = ",".join(f'"{name}":{value}' for name, value in members.items())
        return f"{{{told}{more}}}".encode("utf-8", "surrogatepass")


def seed(ports: Ports) -> None:
    """Enrol the members of the edge's test application, with their keys as they stand there."""
    now = ports.now()
    for member, roles in ROLES.items():
        enrol_member(
            Member(
                member=member,
                name=f"Synthetic {member}",
                contact="ops@member.example",
                status=MemberStatus.ACTIVE,
                roles=frozenset(roles),
                zone="Asia/Shanghai",
                profile="CN",
            ),
            ports,
        )
    for key in MEMBERS.values():
        from_, until = max(key.not_before, 1), min(key.not_after, now + YEAR_SECONDS)
        new = NewKey(
            key=key.key,
            algorithm=key.algorithm,
            public_key=key.public_key,
            not_before=min(from_, until - 1),
            not_after=until,
        )
        if key.key != "future":
            add_key(key.member, new, ports)
        if key.revoked_at is not None:
            revoke_key(key.member, key.key, ports)
    for member, status in STANDING.items():
        set_standing(member, status, ports)


@dataclass(slots=True, kw_only=True)
class LiveExchange:
    """Server and sequencer of one exchange, which a test may restart."""

    target: LiveTarget
    environment: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start both."""
        commands = ("sequence", "serve")
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-m", "exchange.cli", name],
                env=self.environment,
                stderr=subprocess.DEVNULL,
            )
            for name in commands
        ]
        wait_for_port(self.target.port, self.processes[-1])

    def stop(self) -> None:
        """Stop both."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(60)


@contextmanager
def live_exchange(url: str, directory: Path, **settings: str) -> Iterator[LiveExchange]:
    """Run an exchange with the members of the corpus on a fresh, migrated database."""
    sandbox = make_sandbox(url, directory)
    seed(sandbox.ports)
    sandbox.close()
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    values = {
        "DATABASE_URL": url,
        "DATA_DIR": str(directory),
        "SANDBOX": "true",
        "PUBLIC_BASE_URL": base,
        "LISTEN": f"127.0.0.1:{port}",
        "WORKERS": str(WORKERS),
        **settings,
    }
    environment = {f"EXCHANGE_{name}": value for name, value in values.items()}
    live = LiveExchange(
        target=LiveTarget(base=base, port=port, url=url),
        environment={"PATH": os.environ["PATH"], **environment},
    )
    try:
        live.start()
        yield live
    finally:
        live.stop()
