"""Open an operator's key file, as `cx init` makes it, and sign with it.

The operator's private half stays in that file; nothing here is kept after the command.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from exchange.domain.base64url import unb64url
from exchange.domain.operators import Word, word_text
from exchange.errors import InvalidField

FORMAT = "cx-key/1"
FILE_BYTES_MAX = 65_536
SCRYPT_COST_MAX = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorKey:
    """An operator's key, ready to sign."""

    keyid: str
    private: Ed25519PrivateKey = field(repr=False)

    def say(self, issuer: str, of: str, digest: bytes) -> Word:
        """Sign one change under one proposal."""
        text = word_text(issuer, self.keyid, of, digest)
        return Word(self.keyid, issuer, of, digest, self.private.sign(text))


def is_sealed(path: Path) -> bool:
    """Tell whether a key file asks for a passphrase.

    Raises:
        InvalidField: it is no key file that its owner alone may read.
    """
    return "sealed" in _read(path)


def open_key(path: Path, passphrase: str | None) -> OperatorKey:
    """Open a key file.

    Raises:
        InvalidField: it is none, the passphrase is wrong, or it is no Ed25519 key.
    """
    content = _read(path)
    try:
        private = load_pem_private_key(_pem(content, passphrase), password=None)
        keyid = f"{content['member']}/{content['key']}"
    except InvalidTag:
        raise _refused(path, "wrong passphrase, or a damaged file") from None
    except (KeyError, TypeError, ValueError, UnsupportedAlgorithm):
        raise _refused(path, "not a whole key file") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise _refused(path, "an operator's key is Ed25519: make it without --p256")
    return OperatorKey(keyid=keyid, private=private)


def _read(path: Path) -> dict[str, object]:
    try:
        if path.stat().st_mode & 0o077:
            raise _refused(path, "others may read it; chmod 600 it")
        with path.open("rb") as file:
            content = json.loads(file.read(FILE_BYTES_MAX))
    except OSError as error:
        raise _refused(path, f"{error.strerror}; `cx init NAME` makes one") from None
    except (ValueError, RecursionError):
        raise _refused(path, "not a key file") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _refused(path, f"not a {FORMAT} file")
    return content


def _pem(content: dict[str, object], passphrase: str | None) -> bytes:
    sealed = content.get("sealed")
    if not isinstance(sealed, dict):
        return str(content["private_key"]).encode()
    cost = sealed["cost"]
    if sealed.get("kdf") != "scrypt" or not isinstance(cost, int) or cost > SCRYPT_COST_MAX:
        raise ValueError("sealed in a way that is not known here")
    stretched = Scrypt(salt=unb64url(str(sealed["salt"])), length=32, n=cost, r=8, p=1)
    return AESGCM(stretched.derive((passphrase or "").encode())).decrypt(
        unb64url(str(sealed["nonce"])),
        unb64url(str(sealed["ciphertext"])),
        unb64url(str(content["public_key"])),
    )


def _refused(path: Path, why: str) -> InvalidField:
    return InvalidField(f"{path}: {why}", field="key_file")
