"""The member's signing key: made here, kept in one file of mode 0600, never sent anywhere.

The file is JSON. The private half is PKCS#8 PEM, or, under a passphrase, that PEM sealed with
AES-256-GCM under a key stretched by scrypt (RFC 7914). The public half is what the operator
registers with `exchange member key add`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from exchange_client.core.encoding import b64url, loads, unb64url
from exchange_client.errors import KeyFileError

FORMAT = "cx-key/1"
MODE = 0o600
FILE_BYTES_MAX = 65_536
SCRYPT_COST = 1 << 17  # with r = 8: 128 MiB and about half a second
SCRYPT_COST_MAX = 1 << 20
SALT_BYTES = 16
NONCE_BYTES = 12
_MEMBER = re.compile(r"[a-z0-9][a-z0-9_-]{1,38}")
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,24}")

PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey


class Algorithm(StrEnum):
    """Algorithms of member keys, by their RFC 9421 names."""

    ED25519 = "ed25519"
    ECDSA_P256 = "ecdsa-p256-sha256"


_PRIVATE: Mapping[Algorithm, type[PrivateKey]] = MappingProxyType(
    {Algorithm.ED25519: Ed25519PrivateKey, Algorithm.ECDSA_P256: EllipticCurvePrivateKey}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A member's key, ready to sign."""

    member: str
    key: str
    algorithm: Algorithm
    private: PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        if not _MEMBER.fullmatch(self.member):
            raise KeyFileError("a member id is 2 to 39 of a-z, 0-9, - and _")
        if not _KEY.fullmatch(self.key):
            raise KeyFileError("a key name is 1 to 24 of A-Z, a-z, 0-9, _, . and -")

    @property
    def keyid(self) -> str:
        """The name that signatures carry: `<member>/<key>`."""
        return f"{self.member}/{self.key}"

    @property
    def public_key(self) -> bytes:
        """The public half: 32 bytes (Ed25519) or 65, the uncompressed point (P-256)."""
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.public_key().public_bytes_raw()
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def fingerprint(self) -> str:
        """What two people read to each other when the key is registered."""
        return fingerprint(self.public_key)

    @classmethod
    def generate(
        cls, member: str, key: str = "k1", *, algorithm: Algorithm = Algorithm.ED25519
    ) -> KeyFile:
        """Make a new key in memory."""
        private: PrivateKey = (
            Ed25519PrivateKey.generate()
            if algorithm is Algorithm.ED25519
            else generate_private_key(SECP256R1())
        )
        return cls(member=member, key=key, algorithm=algorithm, private=private)

    @classmethod
    def load(cls, path: Path | str, *, passphrase: str | None = None) -> KeyFile:
        """Read a key file.

        Raises:
            KeyFileError: absent, readable by others, damaged, or the passphrase is wrong.
        """
        content = _read(Path(path))
        try:
            pem = _open(content, passphrase)
            private = load_pem_private_key(pem, password=None)
            kind = Algorithm(str(content["algorithm"]))
            if not isinstance(private, _PRIVATE[kind]):
                raise KeyFileError(f"{path}: the key is not of the algorithm it names")
            key = cls(
                member=str(content["member"]),
                key=str(content["key"]),
                algorithm=kind,
                private=private,
            )
        except (KeyError, TypeError, ValueError, UnsupportedAlgorithm) as error:
            raise KeyFileError(f"{path}: not a whole key file") from error
        if b64url(key.public_key) != content.get("public_key"):
            raise KeyFileError(f"{path}: the two halves of the key do not belong together")
        return key

    def save(self, path: Path | str, *, passphrase: str | None = None) -> None:
        """Write the key file with mode 0600.

        Raises:
            KeyFileError: a file stands there already; a key is never overwritten.
        """
        content = {
            "format": FORMAT,
            "member": self.member,
            "key": self.key,
            "algorithm": self.algorithm.value,
            "public_key": b64url(self.public_key),
            "fingerprint": self.fingerprint,
            **_close(self._pem(), passphrase, self.public_key),
        }
        write_private(Path(path), json.dumps(content, indent=1).encode() + b"\n")

    def _pem(self) -> bytes:
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def fingerprint(public_key: bytes) -> str:
    """Return the first 32 hex digits of the key's SHA-256, in groups of four."""
    digits = hashlib.sha256(public_key).hexdigest()[:32]
    return " ".join(digits[start : start + 4] for start in range(0, 32, 4))


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, and only where none stands; whole or not at all.

    Raises:
        KeyFileError: a file stands there, or the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:  # A disk that is full: half a key would bar the way of a whole one.
        path.unlink(missing_ok=True)
        raise KeyFileError(f"{path}: {error.strerror}; nothing is kept") from error


def _read(path: Path) -> dict[str, object]:
    try:
        if path.stat().st_mode & 0o077:
            raise KeyFileError(f"{path}: others may read it; chmod 600 it")
        with path.open("rb") as file:
            content = loads(file.read(FILE_BYTES_MAX))
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; `cx init` makes one") from error
    except ValueError as error:
        raise KeyFileError(f"{path}: not a key file") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise KeyFileError(f"{path}: not a {FORMAT} file")
    return dict(content)


def is_wrapped(path: Path) -> bool:
    """Tell whether this key file asks for a passphrase."""
    return "sealed" in _read(path)


def _close(pem: bytes, passphrase: str | None, public_key: bytes) -> dict[str, object]:
    if passphrase is None:
        return {"private_key": pem.decode()}
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    # The public half is bound in: a sealed key cannot be moved under another public half.
    sealed = AESGCM(_stretch(passphrase, salt, SCRYPT_COST)).encrypt(nonce, pem, public_key)
    return {
        "sealed": {
            "kdf": "scrypt",
            "cost": SCRYPT_COST,
            "salt": b64url(salt),
            "nonce": b64url(nonce),
            "ciphertext": b64url(sealed),
        }
    }


def _open(content: dict[str, object], passphrase: str | None) -> bytes:
    sealed = content.get("sealed")
    if not isinstance(sealed, dict):
        return str(content["private_key"]).encode()
    if passphrase is None:
        raise KeyFileError("this key file is sealed: give its passphrase")
    cost = sealed["cost"]
    if sealed.get("kdf") != "scrypt" or not isinstance(cost, int) or cost > SCRYPT_COST_MAX:
        raise KeyFileError("this key file is sealed in a way that is not known here")
    stretched = _stretch(passphrase, unb64url(sealed["salt"]), cost)
    try:
        return AESGCM(stretched).decrypt(
            unb64url(sealed["nonce"]),
            unb64url(sealed["ciphertext"]),
            unb64url(str(content["public_key"])),
        )
    except InvalidTag as error:
        raise KeyFileError("wrong passphrase, or a damaged key file") from error


def _stretch(passphrase: str, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(passphrase.encode())
