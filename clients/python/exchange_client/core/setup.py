"""What a client is set up with: who asks, of whom, how patiently. Both twins share it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

from exchange_client.core.retrying import Patience
from exchange_client.core.session import Session
from exchange_client.errors import PinError, UsageError
from exchange_client.keys import KeyFile
from exchange_client.log.gossip import Gossip
from exchange_client.pins import Pins

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Settings(TypedDict, total=False):
    """What may be said about a client; every setting has a default."""

    base_url: str  # where to connect, if not at the pinned public base
    member: str  # checked against the key file
    passphrase: str  # of a sealed key file
    operator: str  # the member's own pseudonym of who asks, where a question names none
    profile: str  # rules that rows are reported under, e.g. `cn@1`; by default the first
    patience: Patience
    clock: Callable[[], int]  # unix seconds
    checkpoints: Path | str  # a file that keeps what log was shown; by default in memory alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A member in front of one pinned exchange: what every flow needs to know."""

    member: str
    pins: Pins
    operator: str
    profile: str
    now: Callable[[], int]  # unix seconds
    gossip: Gossip  # what log it was shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Everything a client works with but its connections."""

    desk: Desk
    session: Session
    patience: Patience


def set_up(key: KeyFile | Path | str, pins: Pins | Path | str, settings: Settings) -> Setup:
    """Read key and pins, and check that they belong together.

    Raises:
        KeyFileError, PinError: one of the files cannot be used.
        UsageError: the key is another member's, or the address is not safe to speak to.
    """
    known = pins if isinstance(pins, Pins) else Pins.load(pins)
    signer = (
        key
        if isinstance(key, KeyFile)
        else KeyFile.load(key, passphrase=settings.get("passphrase"))
    )
    if settings.get("member", signer.member) != signer.member:
        raise UsageError("the key file is another member's")
    clock = settings.get("clock", _clock)
    base_url = settings.get("base_url", known.public_base).rstrip("/")
    _check_address(base_url)
    return Setup(
        desk=Desk(
            member=signer.member,
            pins=known,
            operator=settings.get("operator", "unattended"),
            profile=settings.get("profile") or _first_profile(known),
            now=clock,
            gossip=Gossip(known.log_vkey, _file(settings)),
        ),
        session=Session(key=signer, pins=known, base_url=base_url, now=clock),
        patience=settings.get("patience", Patience()),
    )


def _file(settings: Settings) -> Path | None:
    named = settings.get("checkpoints")
    return None if named is None else Path(named)


def _clock() -> int:
    return int(time.time())


def _first_profile(pins: Pins) -> str:
    if not pins.profiles:
        raise PinError("the pinned exchange lists no profile")
    return pins.profiles[0]


def _check_address(base_url: str) -> None:
    """Tokens and bands are for the exchange alone: plain HTTP stays on this machine."""
    parts = urlsplit(base_url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return
    raise UsageError("the exchange is reached by https, or by http on this machine")
