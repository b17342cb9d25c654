"""`cx init` and `cx pin`: a member's key, and what it pins of the exchange."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import httpx2
import typer

from exchange_client.cli.options import Pinned, Telling, ask_passphrase
from exchange_client.cli.telling import note, tell
from exchange_client.core.encoding import b64url, loads_object
from exchange_client.core.http import unreachable
from exchange_client.core.setup import LOOPBACK
from exchange_client.errors import PinMismatch, UnverifiedResponse, UsageError
from exchange_client.keys import Algorithm, KeyFile, is_wrapped
from exchange_client.pins import DESCRIPTION_BYTES_MAX, DESCRIPTION_PATH, Pins
from exchange_client.signing import prove_possession

FETCH_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What key is made, and where it is kept."""

    key_file: Annotated[
        Path | None,
        typer.Option(envvar="CX_KEY_FILE", help="by default MEMBER.key.json; never overwritten"),
    ] = None
    key: Annotated[str, typer.Option(help="name of the key")] = "k1"
    exchange: Annotated[
        str | None,
        typer.Option(help="id of the exchange that the key is proven to"),
    ] = None
    operator: Annotated[
        bool, typer.Option("--operator", help="it is one of the exchange's operators' own")
    ] = False
    p256: Annotated[bool, typer.Option("--p256", help="ECDSA P-256 in place of Ed25519")] = False
    passphrase_prompt: Annotated[
        bool, typer.Option("--passphrase-prompt", help="seal the file; asks on the terminal")
    ] = False


def init(
    telling: Telling,
    new: NewKey,
    member: Annotated[str, typer.Argument(help="the member's id, such as lender-a")],
) -> None:
    """Make the member's key; the private half stays in a file that only you may read."""
    algorithm = Algorithm.ECDSA_P256 if new.p256 else Algorithm.ED25519
    key = KeyFile.generate(member, new.key, algorithm=algorithm)
    place = new.key_file or Path(f"{member}.key.json")
    passphrase = ask_passphrase(confirm=True) if new.passphrase_prompt else None
    key.save(place, passphrase=passphrase)
    public = b64url(key.public_key)
    words = "operator add" if new.operator else "member key add"
    register = registering(key, new.exchange, words)
    made = {
        "key_file": str(place),
        "keyid": key.keyid,
        "algorithm": algorithm.value,
        "public_key": public,
        "fingerprint": key.fingerprint,
        "register": register,
    }
    text = (
        f"key file     {place}\n"
        f"public half  {public}\n"
        f"fingerprint  {key.fingerprint}\n"
        "It is registered with this line; read the fingerprint to whoever types it:\n"
        f"  {register}"
    )
    tell(made, text, as_json=telling.as_json)
    if new.exchange is None:
        note("The line lacks its proof: name the exchange with --exchange, or see `cx key prove`.")


def prove(
    telling: Telling,
    pinned: Pinned,
    key_file: Annotated[Path, typer.Option(envvar="CX_KEY_FILE", help="the member's key file")],
) -> None:
    """Prove to the pinned exchange that you hold a key, so that it can be registered."""
    passphrase = ask_passphrase(confirm=False) if is_wrapped(key_file) else None
    key, pins = KeyFile.load(key_file, passphrase=passphrase), pinned.load()
    register = registering(key, pins.exchange)
    proven = {
        "exchange": pins.exchange,
        "proof": b64url(prove_possession(pins.exchange, key)),
        "fingerprint": key.fingerprint,
        "register": register,
    }
    tell(proven, f"fingerprint  {key.fingerprint}\n{register}", as_json=telling.as_json)


def registering(key: KeyFile, exchange: str | None, words: str = "member key add") -> str:
    """Write the operator's line that registers a key; with `=`: a value may begin with a dash.

    Args:
        words: of the command that registers it.
    """
    member, _, name = key.keyid.partition("/")
    line = f"exchange {words} {member} {name} --public-key={b64url(key.public_key)}"
    if key.algorithm is not Algorithm.ED25519:
        line += f" --algorithm {key.algorithm.value}"
    if exchange is not None:
        line += f" --proof={b64url(prove_possession(exchange, key))}"
    return line


def pin(
    telling: Telling,
    pinned: Pinned,
    url: Annotated[str, typer.Argument(help="where the exchange is reached")],
    fingerprint: Annotated[
        str | None, typer.Option(help="of its statement key, as the operator read it out")
    ] = None,
) -> None:
    """Fetch what the exchange says of itself, and pin it.

    Where pins stand already, a later description is taken only if the pinned key signed it.
    """
    description = _fetch(url, telling.outside.transport)
    known = pinned.pins.exists()
    pins = pinned.load().renew(description) if known else _first(description, fingerprint)
    if fingerprint is not None and _bare(fingerprint) != _bare(pins.fingerprint):
        raise PinMismatch("the statement key is not the one whose fingerprint was given")
    pins.save(pinned.pins)
    compared = known or fingerprint is not None
    shown = {
        "pins": str(pinned.pins),
        "exchange": pins.exchange,
        "environment": pins.environment,
        "public_base": pins.public_base,
        "fingerprint": pins.fingerprint,
        "compared": compared,
    }
    text = (
        f"pinned       {pins.exchange} ({pins.environment}), {pins.public_base}\n"
        f"in           {pinned.pins}\n"
        f"fingerprint  {pins.fingerprint}"
    )
    tell(shown, text, as_json=telling.as_json)
    if not compared:
        note("Nobody has vouched for this yet: compare the fingerprint with the operator's.")


def _first(description: str, fingerprint: str | None) -> Pins:
    return Pins.trust(description, expected_fingerprint=fingerprint or None)


def _bare(text: str) -> str:
    return "".join(text.lower().split())


def _fetch(url: str, transport: httpx2.BaseTransport | None) -> str:
    """Fetch the signed description; it proves itself, so the response need not."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageError("this is no URL") from error
    local = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or local):
        raise UsageError("the exchange is reached by https, or by http on this machine")
    try:
        with httpx2.Client(transport=transport, trust_env=False, timeout=FETCH_SECONDS) as http:
            return _description(http, url.rstrip("/") + DESCRIPTION_PATH)
    except httpx2.InvalidURL as error:
        raise UsageError("this is no URL") from error
    except httpx2.RequestError as error:
        raise unreachable(error) from error


def _description(http: httpx2.Client, url: str) -> str:
    body = b""
    with http.stream("GET", url, follow_redirects=False) as response:
        if response.status_code != 200:
            raise UnverifiedResponse(f"HTTP {response.status_code} where a description should be")
        for part in response.iter_bytes():
            body += part
            if len(body) > 2 * DESCRIPTION_BYTES_MAX:
                raise UnverifiedResponse("the description is too long")
    try:
        description = loads_object(body).get("description")
    except ValueError as error:
        raise UnverifiedResponse(f"the description is no JSON object: {error}") from error
    if not isinstance(description, str):
        raise UnverifiedResponse("the response holds no description")
    return description
