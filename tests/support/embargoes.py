"""Persons opened to an authority, with or without an embargo, at a time that tests set."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from exchange.app.ports import make_audit_ports
from exchange.domain.members import Role
from exchange.domain.queries import Asker
from exchange.services.audit.open_subject import (
    Opened,
    OpeningAsk,
    Release,
    ask_subject,
    release_subject,
)
from exchange.services.audit.ports import AuditPorts
from tests.support.grant_desk import token
from tests.support.sandbox import Sandbox

AUTHORITY = "authority"
CASE = "2026-417"


def asker(key: str) -> Asker:
    """Return one of the authority's people."""
    return Asker(member=AUTHORITY, key=key, nonce="n", roles=frozenset({Role.REGULATOR}))


def audit_ports(sandbox: Sandbox, now: int) -> AuditPorts:
    """Return what the audit may touch, at this time (unix seconds)."""
    ports = replace(sandbox.ports, now=lambda: now)
    return make_audit_ports(sandbox.settings, ports, sandbox.database)


def opening(until: int | None, subject: int = 1) -> OpeningAsk:
    """Draft a fresh opening of the n-th subject of the desks."""
    return OpeningAsk(
        opening_id=uuid4(),
        epoch="ep_1",
        tokens=(token(subject),),
        case=CASE,
        embargo_until=until,
    )


def ask(sandbox: Sandbox, until: int | None, now: int) -> Opened:
    """Ask to open the first subject."""
    return ask_subject(opening(until), asker("k1"), audit_ports(sandbox, now))


def open_person(sandbox: Sandbox, until: int | None, now: int) -> Opened:
    """Ask to open the first subject, and release it as the second person."""
    asked = ask(sandbox, until, now).opening
    said = Release(case=CASE, embargo_until=until)
    return release_subject(asked.opening_id, said, asker("k2"), audit_ports(sandbox, now))
