"""A whole signed log in a folder, made by the exchange's own code, with witnesses as asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.domain.merkle import NO_LEAVES, TreeHead, leaf_hash
from exchange.domain.notes import (
    Checkpoint,
    KeyType,
    Note,
    NoteKey,
    SignatureLine,
    cosignature_message,
)
from exchange.domain.tiles import TILE_WIDTH, bundle, entries_path, grown_tiles

ORIGIN = "exchange.example/access/2026"
DOMAIN = "exchange.example"
COSIGNED_AT = 1_790_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A key that signs notes, from its label alone: public, for tests only."""

    name: str
    kind: KeyType = KeyType.ED25519
    label: str = "log"

    @property
    def private(self) -> Ed25519PrivateKey:
        """The private half."""
        return Ed25519PrivateKey.from_private_bytes(sha256(self.label.encode()).digest())

    @property
    def key(self) -> NoteKey:
        """The public half."""
        raw = self.private.public_key().public_bytes_raw()
        return NoteKey(name=self.name, kind=self.kind, public_key=raw)

    def line(self, text: str, at: int = COSIGNED_AT) -> SignatureLine:
        """Sign a text, as a witness does if it is one."""
        if self.kind is KeyType.ED25519:
            signature = self.private.sign(text.encode())
        else:
            signature = at.to_bytes(8, "big") + self.private.sign(cosignature_message(text, at))
        return SignatureLine(name=self.name, key_id=self.key.key_id, signature=signature)


LOG = Signer(name=ORIGIN)
STATEMENTS = Signer(name=f"{DOMAIN}/statements", label="statements")
WITNESSES = tuple(
    Signer(name=f"w{n}.example/witness", kind=KeyType.ED25519_COSIGNATURE, label=f"w{n}")
    for n in range(3)
)


def policy_text(*, quorum: str = "none", log: Signer = LOG) -> str:
    """Write a policy with the log, its statement key and three witnesses."""
    lines = [f"log {log.key.vkey()}", f"log {STATEMENTS.key.vkey()}"]
    lines += [f"witness w{n} {one.key.vkey()}" for n, one in enumerate(WITNESSES)]
    return "\n".join([*lines, "group two 2 w0 w1 w2", f"quorum {quorum}", ""])


def entries(count: int, *, label: str = "entry") -> list[bytes]:
    """Make entries that differ."""
    return [f"{label} {number}".encode().ljust(116, b".") for number in range(count)]


@dataclass(slots=True, kw_only=True)
class SignedLog:
    """A log that can be served from a folder, at any size."""

    entries: list[bytes]
    signer: Signer = LOG
    cosigners: tuple[Signer, ...] = ()
    written: set[str] = field(default_factory=set)

    def checkpoint(self, size: int | None = None, at: int = COSIGNED_AT) -> bytes:
        """Return the signed and cosigned checkpoint of a size."""
        size = len(self.entries) if size is None else size
        hashes = [leaf_hash(entry) for entry in self.entries[:size]]
        head = TreeHead(size=size, root=NO_LEAVES.grown(hashes).edge.root())
        text = Checkpoint(origin=self.signer.name, head=head).text()
        lines = [self.signer.line(text), *(one.line(text, at) for one in self.cosigners)]
        return Note(text=text, signatures=tuple(lines)).print()

    def write(self, folder: Path, size: int | None = None) -> Path:
        """Lay the log out as C2SP tlog-tiles has it."""
        size = len(self.entries) if size is None else size
        hashes = [leaf_hash(entry) for entry in self.entries[:size]]
        for tile, row in grown_tiles(0, NO_LEAVES.grown(hashes).fresh, {}).items():
            put(folder / tile.path(len(row) // 32), row)
        for n in range(-(-size // TILE_WIDTH)):
            cut = self.entries[n * TILE_WIDTH : min(size, (n + 1) * TILE_WIDTH)]
            put(folder / entries_path(n, len(cut)), bundle(cut))
        put(folder / "checkpoint", self.checkpoint(size))
        return folder


def put(place: Path, content: bytes) -> None:
    """Write a file and the folders above it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
