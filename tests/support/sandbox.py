"""A whole exchange in one process, for tests: real application, real PostgreSQL, real keys."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx2
from flask import Flask
from pydantic import SecretStr

from exchange.app.ports import make_log_ports, make_ports, open_database
from exchange.app.server import create_app
from exchange.crypto.keyring import create_keyring
from exchange.domain.members import Algorithm, Member, MemberStatus, NewKey, Role
from exchange.services.log.open_log import open_log
from exchange.services.log.sequence_log import sequence_log
from exchange.services.members.manage_members import add_key, enrol_member
from exchange.services.notices.manage_notices import seed_notices
from exchange.services.ports import Ports
from exchange.settings import Settings, load
from exchange.store.log import LogDatabase
from exchange.store.rights import API, url_as
from exchange.store.work import Database
from exchange_client.client import Exchange
from exchange_client.keys import KeyFile
from exchange_client.pins import Pins

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

BASE = "https://exchange.test"
YEAR_SECONDS = 365 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """One exchange, served in this process."""

    app: Flask
    settings: Settings
    database: Database
    ports: Ports

    def enrol(self, member: str, *roles: Role) -> KeyFile:
        """Enrol a member with one key, made here, and return the key."""
        enrol_member(
            Member(
                member=member,
                name=f"Synthetic member {member}",
                contact="ops@member.example",
                status=MemberStatus.ACTIVE,
                roles=frozenset(roles or (Role.ASKER, Role.CONTRIBUTOR)),
                zone="Asia/Shanghai",
                profile=self.ports.terms.profile.id,
            ),
            self.ports,
        )
        key = KeyFile.generate(member)
        now = self.ports.now()
        add_key(
            member,
            NewKey(
                key=key.keyid.split("/")[1],
                algorithm=Algorithm(key.algorithm.value),
                public_key=key.public_key,
                not_before=now - 60,
                not_after=now + YEAR_SECONDS,
            ),
            self.ports,
        )
        return key

    def pins(self) -> Pins:
        """Fetch and trust the description."""
        response = self.app.test_client().get("/.well-known/cx-exchange")
        return Pins.trust(response.get_json()["description"])

    def exchange(self, key: KeyFile) -> Exchange:
        """Open the SDK for a member."""
        return Exchange(key, self.pins(), transport=self.transport())

    def transport(self) -> httpx2.WSGITransport:
        """Return how a client reaches it."""
        return httpx2.WSGITransport(app=self._serve)

    def _serve(self, environ: dict[str, object], start_response: StartResponse) -> Iterable[bytes]:
        """Add the raw target, which every real server hands on and the transport does not."""
        target = quote(str(environ["PATH_INFO"]), safe="/:")
        query = environ.get("QUERY_STRING")
        environ["REQUEST_URI"] = f"{target}?{query}" if query else target
        return self.app.wsgi_app(environ, start_response)

    def sequence(self) -> None:
        """Give every waiting leaf its index."""
        with closing(LogDatabase(self.settings.libpq_url)) as log_database:
            log_ports, ports = make_log_ports(self.settings, self.ports, log_database)
            while sequence_log(open_log(log_ports), ports).full:
                pass

    def close(self) -> None:
        """Close the connections."""
        self.database.close()
        self.app.extensions["exchange.database"].close()


def make_sandbox(url: str, directory: Path, **options: object) -> Sandbox:
    """Make an exchange on a fresh, migrated database."""
    settings = load(
        database_url=url,
        data_dir=directory,
        public_base_url=BASE,
        consortium="test",
        sandbox=True,
        **options,
    )
    now = int(time.time())
    if not settings.keyring_file.exists():
        create_keyring(settings.keyring_file, environment="test", epoch=settings.epoch, now=now)
    database = open_database(settings)
    ports = make_ports(settings, database)
    # The application is served by its own role; whoever tests it is the owner.
    served = settings.model_copy(update={"database_url": SecretStr(url_as(url, API))})
    sandbox = Sandbox(app=create_app(served), settings=settings, database=database, ports=ports)
    sandbox.sequence()
    seed_notices(ports)
    return sandbox
