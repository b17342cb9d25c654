"""What the services of borrowers go by, beside what every service shares."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from exchange.domain.borrowers.passkeys import RelyingParty
from exchange.domain.log.policies import NO_POLICY, Policy
from exchange.services.borrower.statements import SessionTerms
from exchange.services.log.ports import LogWork
from exchange.services.ports import Ports, Work


class FileWork(Work, LogWork, Protocol):
    """A unit of work that reads a borrower's file and the tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BorrowerPorts:
    """Everything the services of borrowers may touch."""

    ports: Ports
    begin_log: Callable[[], AbstractContextManager[FileWork]]  # units of work that read the tree
    party: RelyingParty
    terms: SessionTerms
    policy: Policy = NO_POLICY  # whose cosignatures make a checkpoint final


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Whoever holds a session's secret, in one browser."""

    secret: bytes  # 32 bytes, of the cookie
    agent: str  # the browser's own name
    peer: str  # the network address that the request came from
