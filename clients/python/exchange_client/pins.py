"""What a member pins of an exchange: its name, keys, epochs and log, from one signed description.

The description is fetched once (`cx pin`), its fingerprint is compared with what the operator
reads out, and it is kept byte for byte. A later one is taken only if the pinned statement key
signed it. Nothing here ever changes a pin by itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from exchange_client.core.encoding import JSON, loads_object, unb64url
from exchange_client.errors import PinError, PinMismatch, ReceiptInvalid
from exchange_client.keys import fingerprint
from exchange_client.signing import open_jws

FORMAT = "cx-pins/1"
DESCRIPTION_TYPE = "cx-description+jwt"
DESCRIPTION_BYTES_MAX = 64 * 1024
DESCRIPTION_PATH = "/.well-known/cx-exchange"
SUITE = "ristretto255-SHA512"
KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedEpoch:
    """One token epoch and the public key its evaluations are proven under."""

    epoch: str
    public_key: bytes  # 32 bytes
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """One exchange as it described itself when it was pinned."""

    exchange: str  # `iss` of everything it signs
    name: str
    environment: str  # test or live
    public_base: str  # URL that signatures cover, without a slash at its end
    keys: Mapping[str, Mapping[str, bytes]]  # use -> kid -> Ed25519 public key
    epochs: tuple[PinnedEpoch, ...]  # oldest first
    log_origin: str
    log_vkey: str
    purposes: tuple[str, ...]
    profiles: tuple[str, ...]
    limits: Mapping[str, JSON]
    statement_key: bytes  # the one that signed the description
    description: str = field(repr=False)  # the signed description, byte for byte

    @property
    def current_epoch(self) -> PinnedEpoch:
        """The epoch that new tokens are asked for under: the newest open one."""
        return next(one for one in reversed(self.epochs) if one.open)

    @property
    def fingerprint(self) -> str:
        """What two people compare before they trust these pins: of the key that signed them."""
        return fingerprint(self.statement_key)

    def keys_of(self, use: str) -> Mapping[str, bytes]:
        """Return the pinned public keys of one use, by kid; empty if there is none."""
        return self.keys.get(use, MappingProxyType({}))

    @classmethod
    def trust(cls, description: str, *, expected_fingerprint: str | None = None) -> Pins:
        """Take a description for the first time.

        Args:
            description: the JWS of `/.well-known/cx-exchange`.
            expected_fingerprint: of the statement key, as the operator read it out. Without it
                whoever answered first is trusted: compare `fingerprint` before you use the pins.

        Raises:
            PinError: it is no description, or not signed by the statement key it names.
            PinMismatch: its statement key is not the one expected.
        """
        pins = _read_description(description)
        _verify(description, pins.keys_of("statement"), PinError)
        expected = expected_fingerprint and _bare(expected_fingerprint)
        if expected and expected != _bare(pins.fingerprint):
            raise PinMismatch("the statement key is not the one whose fingerprint was given")
        return pins

    def renew(self, description: str) -> Pins:
        """Take a later description of the same exchange, if the pinned statement key signed it.

        Raises:
            PinMismatch: it did not, or another exchange is described.
        """
        _verify(description, self.keys_of("statement"), PinMismatch)
        pins = _read_description(description)
        if (pins.exchange, pins.environment) != (self.exchange, self.environment):
            raise PinMismatch("another exchange or environment is described")
        return pins

    @classmethod
    def load(cls, path: Path | str) -> Pins:
        """Read a pin file.

        Raises:
            PinError: absent, or not whole.
        """
        try:
            content = loads_object(Path(path).read_bytes())
        except OSError as error:
            raise PinError(f"{path}: {error.strerror}; `cx pin` makes it") from error
        except ValueError as error:
            raise PinError(f"{path}: no pin file: {error}") from error
        description = content.get("description")
        if content.get("format") != FORMAT or not isinstance(description, str):
            raise PinError(f"{path}: not a {FORMAT} file")
        return cls.trust(description, expected_fingerprint=str(content.get("fingerprint")))

    def save(self, path: Path | str) -> None:
        """Write the pin file, whole or not at all."""
        content = {
            "format": FORMAT,
            "exchange": self.exchange,
            "environment": self.environment,
            "fingerprint": self.fingerprint,
            "description": self.description,
        }
        place = Path(path)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = place.with_name(place.name + ".part")
        partial.write_text(json.dumps(content, indent=1) + "\n")
        os.replace(partial, place)


def _bare(text: str) -> str:
    return "".join(text.lower().split())


def _verify(
    description: str, keys: Mapping[str, bytes], refusal: type[PinError] | type[PinMismatch]
) -> None:
    try:
        open_jws(description, DESCRIPTION_TYPE, keys, bytes_max=DESCRIPTION_BYTES_MAX)
    except ReceiptInvalid as error:
        raise refusal(f"the description is not signed by its statement key: {error}") from error


def _read_description(description: str) -> Pins:
    try:
        header, payload = (loads_object(unb64url(part)) for part in description.split(".")[:2])
        keys = _keys(payload["keys"])
        return Pins(
            exchange=_text(payload, "iss"),
            name=_text(payload, "name"),
            environment=_text(payload, "environment"),
            public_base=_text(payload, "public_base").rstrip("/"),
            keys=keys,
            statement_key=keys["statement"][_text(header, "kid")],
            epochs=_epochs(payload["oprf"]),
            log_origin=_text(_object(payload["log"]), "origin"),
            log_vkey=_text(_object(payload["log"]), "vkey"),
            purposes=_texts(payload["purposes"]),
            profiles=_texts(payload["profiles"]),
            limits=MappingProxyType(_object(payload["limits"])),
            description=description,
        )
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise PinError(f"not a description of an exchange ({error})") from error


def _keys(listed: JSON) -> Mapping[str, Mapping[str, bytes]]:
    keys: dict[str, dict[str, bytes]] = {}
    for one in map(_object, _list(listed)):
        if (one.get("kty"), one.get("crv")) != ("OKP", "Ed25519"):
            raise ValueError("a key is of another type than Ed25519")
        keys.setdefault(_text(one, "use"), {})[_text(one, "kid")] = _key(one["x"])
    if not {"response", "receipt", "statement"} <= keys.keys():
        raise ValueError("a key of a needed use is missing")
    return MappingProxyType({use: MappingProxyType(of_use) for use, of_use in keys.items()})


def _epochs(listed: JSON) -> tuple[PinnedEpoch, ...]:
    epochs = []
    for one in map(_object, _list(listed)):
        if one.get("suite") != SUITE or not isinstance(one.get("open"), bool):
            raise ValueError(f"an epoch is not of the suite {SUITE}")
        epochs.append(
            PinnedEpoch(
                epoch=_text(one, "epoch"),
                public_key=_key(one["public_key"]),
                open=one["open"] is True,
            )
        )
    if not any(one.open for one in epochs):
        raise ValueError("no epoch is open")
    return tuple(epochs)


def _key(text: JSON) -> bytes:
    key = unb64url(text)
    if len(key) != KEY_BYTES:
        raise ValueError("a public key has 32 bytes")
    return key


def _object(value: JSON) -> dict[str, JSON]:
    if not isinstance(value, dict):
        raise ValueError("an object was expected")
    return value


def _list(value: JSON) -> list[JSON]:
    if not isinstance(value, list):
        raise ValueError("a list was expected")
    return value


def _text(value: Mapping[str, JSON], name: str) -> str:
    text = value[name]
    if not isinstance(text, str) or not text:
        raise ValueError(f"{name} must be a text")
    return text


def _texts(value: JSON) -> tuple[str, ...]:
    return tuple(one for one in _list(value) if isinstance(one, str))
