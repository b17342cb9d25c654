"""I1, I2, I3, I5: what clients were told is stored, once, and stands in the log.

The ledgers are the judge: whoever holds a receipt must find its leaf, its question and its proof.
A line without a receipt asks for nothing: the exchange may have done it or not, but never by half,
and that is checked of all rows together.
"""

from __future__ import annotations

from collections.abc import Iterator

from exchange.crypto.keyring import Use
from exchange.crypto.signing import claims_of, parse_jws, verify_jws
from exchange.domain.base64url import unb64url
from exchange.domain.ids import parse
from exchange.domain.merkle import TreeHead, verify_inclusion
from exchange.domain.notes import parse_checkpoint, parse_note, parse_proof
from exchange.errors import ExchangeError
from exchange.services.log.guard_log import read_checkpoint
from exchange.services.log.ports import LogRef
from exchange.services.ports import MMD_SECONDS
from exchange.services.verify_run.ledgers import LedgerLine, What
from exchange.services.verify_run.ports import Break, RunPorts, RunStatements, StoredReply

_TYPE = {What.QUERY: "cx-receipt+jwt", What.BATCH: "cx-batch+jwt"}
_USE = {What.QUERY: Use.RECEIPT, What.BATCH: Use.BATCH}
_ID = {What.QUERY: "jti", What.BATCH: "batch"}  # the claim that names the id
_BYTES = {What.QUERY: "req", What.BATCH: "digest"}  # the claim that names what was sent


class LedgerCheck:
    """Holds lines of ledgers against one snapshot; remembers what the lines before said."""

    def __init__(self, run: RunStatements, ports: RunPorts) -> None:
        self._run = run
        self._ports = ports
        self._keys = {(one.kid, one.use): one.public_key for one in ports.keyring.public_keys()}
        self._leaves: dict[str, str] = {}  # by row: the leaf that an earlier line named
        self._named: dict[bytes, str] = {}  # by leaf: the row whose receipt names it
        self.heads: dict[str, set[tuple[int, bytes, str]]] = {}  # of proofs, by origin

    def breaks(self, line: LedgerLine) -> Iterator[Break]:
        """Yield what of this line does not hold."""
        row = f"{line.member}/{line.id}"
        try:
            if line.what is What.PROOF:
                yield from self._proof(row, line.proof)
            elif line.receipt:
                yield from self._receipt(row, line)
        except (ExchangeError, ValueError, KeyError) as error:
            yield Break("I5", row, f"what the client holds does not verify: {error}")

    def _receipt(self, row: str, line: LedgerLine) -> Iterator[Break]:
        claims = self._verified(line)
        leaf = str(claims["leaf"] or "")
        if self._leaves.setdefault(row, leaf) != leaf:
            yield Break("I3", row, "two receipts name two leaves")
        if leaf and self._named.setdefault(unb64url(leaf), row) != row:
            yield Break("I3", row, f"shares its leaf with {self._named[unb64url(leaf)]}")
        stored = self._find(line)
        if stored is None:
            yield Break("I1", row, "was answered, and nothing is stored")
            return
        if stored.leaf_hash != (unb64url(leaf) if leaf else None):
            yield Break("I1", row, "the leaf stored is not the one of the receipt")
        if stored.digest != unb64url(str(claims[_BYTES[line.what]])):
            yield Break("I1", row, "what is stored answers other bytes")
        yield from self._logged(row, stored)
        if line.what is What.BATCH and stored.rows != claims["stored"]:
            yield Break("I2", row, f"{claims['stored']} versions acknowledged, {stored.rows} there")

    def _verified(self, line: LedgerLine) -> dict[str, object]:
        parsed = parse_jws(line.receipt, typ=_TYPE[line.what])
        verify_jws(parsed, self._keys[parsed.kid, _USE[line.what]])
        claims = claims_of(parsed)
        expected = (self._ports.issuer, line.member, line.id)
        if (claims.get("iss"), claims.get("aud"), claims.get(_ID[line.what])) != expected:
            raise ValueError("the receipt is another's")
        return claims

    def _find(self, line: LedgerLine) -> StoredReply | None:
        if line.what is What.BATCH:
            return self._run.find_batch(line.member, parse("bat", line.id, field="id"))
        return self._run.find_query(line.member, parse("qry", line.id, field="id"))

    def _logged(self, row: str, stored: StoredReply) -> Iterator[Break]:
        if stored.leaf_hash is None:
            return
        if stored.created_at is None:
            yield Break("I1", row, "its leaf is not there")
        elif stored.leaf_index is None and self._ports.now() - stored.created_at > MMD_SECONDS:
            yield Break("I5", row, f"its leaf has no index after {MMD_SECONDS} seconds")

    def _proof(self, row: str, text: str) -> Iterator[Break]:
        """Verify a proof offline, and keep its head: the tree must contain it."""
        proof = parse_proof(text.encode())
        checkpoint = parse_checkpoint(parse_note(proof.checkpoint).text)
        read_checkpoint(LogRef(0, checkpoint.origin), proof.checkpoint, self._ports.signer)
        head: TreeHead = checkpoint.head
        seen = (head.size, head.root, f"proof of {row}")
        self.heads.setdefault(checkpoint.origin, set()).add(seen)
        leaf = self._leaves.get(row)
        if not leaf:
            yield Break("I5", row, "a proof without its receipt before it")
            return
        verify_inclusion(unb64url(leaf), proof.index, proof.path, head)
