"""State who looked: every entry of this year's log about a person, proven, in one signed file.

In:  a passkey's session.
Out: a compact JWS under the statement key. Each entry has its proof under one checkpoint, and the
     line of the newest index shows how many there must be: that nobody else looked.
Making it is a view, and an entry itself. What the passkey does not open is counted and not named.
Source: log.md, 12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exchange.crypto.keyring import Use
from exchange.crypto.signing import sign_jws
from exchange.domain.borrowers.looks_statement import (
    LOOKS_TYPE,
    LooksStatement,
    StatedLine,
    StatedLook,
    StatedSubject,
)
from exchange.domain.leaves import Leaf, Slot, proof_extra
from exchange.domain.notes import TlogProof
from exchange.services.borrower.looks.open_entry import open_entry, own_slots
from exchange.services.borrower.looks.seal_line import (
    SealedLine,
    SignedTree,
    sealed_line,
    signed_tree,
)
from exchange.services.borrower.looks.view_looks import active_log
from exchange.services.borrower.own_file import OwnFile, log_view, own_file
from exchange.services.borrower.ports import BorrowerPorts, FileWork
from exchange.services.borrower.statements import (
    EntriesAsk,
    Opened,
    OwnCount,
    OwnEntry,
    PageSession,
)
from exchange.services.log.prove_leaf import kept_until, prove_places
from exchange.services.ports import Ports

ROWS_MAX = 1_000  # newest entries of one statement; how many are older is said

_Paths = Mapping[bytes, tuple[bytes, ...]]


def state_looks(session: PageSession, borrower: BorrowerPorts) -> str:
    """Return the signed statement of who looked at the session's subject.

    Raises:
        SessionError: the session is of no passkey.
        QuotaError: the day's looks are spent.
        IntegrityError: an entry does not open or is not proven; nothing is stated.
    """
    ports = borrower.ports
    now = ports.now()
    with ports.begin() as work:
        file = own_file(session, work, ports)
        log_view(file, work, borrower)
        work.commit()
    with borrower.begin_log() as work:
        log_id = active_log(work, ports)
        tree = signed_tree(log_id, work, now)
        counts = work.files.counts(file.opened, log_id=log_id)
        subjects = [_stated(one, file, tree, work, ports) for one in counts]
    statement = LooksStatement(
        issuer=ports.terms.issuer,
        origin=ports.origin(now),
        issued_at=now,
        expires_at=kept_until(now, ports),
        subjects=subjects,
    )
    keyring = ports.keyring
    kid, sign = keyring.kid(Use.STATEMENT), keyring.signer(Use.STATEMENT)
    return sign_jws(statement.payload(), LOOKS_TYPE, kid, sign)


def _stated(
    count: OwnCount, file: OwnFile, tree: SignedTree, work: FileWork, ports: Ports
) -> StatedSubject:
    asked = EntriesAsk(rows_max=ROWS_MAX, log_id=tree.log_id)
    entries = work.files.entries(_opened(file, count.subject), asked)
    line = sealed_line(count.subject, tree, work, ports)
    places = {one.leaf_hash: one.leaf_index for one in entries}
    if line is not None:
        places[line.leaf.leaf_hash] = line.leaf_index
    covered = {
        leaf: index
        for leaf, index in places.items()
        if index is not None and index < tree.head.size
    }
    paths = prove_places(covered, tree.log_id, tree.head, work.tree)
    return StatedSubject(
        subject=count.subject,
        numbered=count.numbered,
        erased=count.erased,
        hidden=count.present - count.opened,
        older=count.opened - len(entries),
        looks=[_look(one, paths, tree, ports) for one in entries],
        line=None if line is None else _line(line, paths, tree),
    )


def _opened(file: OwnFile, subject: str) -> Sequence[Opened]:
    return [one for one in file.opened if one.subject == subject]


def _look(entry: OwnEntry, paths: _Paths, tree: SignedTree, ports: Ports) -> StatedLook:
    opened = open_entry(entry, ports)
    proof = None
    if entry.leaf_hash in paths and entry.leaf_index is not None:
        slots = own_slots(opened)
        proof = _proof(opened.leaf, entry.leaf_index, slots, (paths, tree))
    return StatedLook(
        number=opened.number,
        leaf_hash=entry.leaf_hash,
        proof=proof,
        withheld_until=opened.withheld_until,
    )


def _line(line: SealedLine, paths: _Paths, tree: SignedTree) -> StatedLine:
    return StatedLine(
        proof=line.proof,
        leaf_hash=line.leaf.leaf_hash,
        leaf_proof=_proof(line.leaf, line.leaf_index, frozenset(Slot), (paths, tree)),
    )


def _proof(
    leaf: Leaf, index: int, slots: frozenset[Slot], proven: tuple[_Paths, SignedTree]
) -> str:
    paths, tree = proven
    proof = TlogProof(
        index=index,
        path=paths[leaf.leaf_hash],
        checkpoint=tree.note.encode(),
        extra=proof_extra(leaf, opened=slots),
    )
    return proof.print().decode()
