"""Take a statement of the borrower: their own word, shown with answers about what it speaks of.

In:  who speaks, about which record or about the subject as a whole, and the text.
Out: when it was made and its leaf. The same id and text again give the first ones.
Source: 征信业管理条例 art. 16 (本人声明); records.md, 10.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from exchange.crypto.sealing import pad, statement_aad
from exchange.domain.ids import show
from exchange.domain.life.disputes import STATEMENT_CHARACTERS_MAX
from exchange.domain.log.kinds import Kind
from exchange.errors import AbsentError, InvalidField, StatementConflict
from exchange.services.disputes.open_dispute import check_text, count_against_quota
from exchange.services.disputes.ports import DisputedRecord, NewStatement
from exchange.services.disputes.voices import Voice, record_for
from exchange.services.log.write_leaves import LeafDraft, write_leaves
from exchange.services.ports import Ports, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementText:
    """What the borrower wants to be read."""

    statement_id: UUID
    account_ref: str | None  # where a member relays it for its own borrower
    record_id: UUID | None  # where the borrower or the operator names a record
    text: str
    digest: bytes  # SHA-256 of what was asked


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeStatement:
    """A statement as it was stored."""

    statement_id: UUID
    made_at: int  # unix seconds
    leaf_hash: bytes
    replayed: bool


def make_statement(said: StatementText, voice: Voice, ports: Ports) -> MadeStatement:
    """Store a statement.

    Raises:
        AbsentError: there is no such record, or this voice may not speak about it.
        InvalidField: the profile knows no statements, or the text is no plain text of its length.
        StatementConflict: the id was used for another statement of this subject.
        QuotaError: too many words about this subject today.
    """
    if not ports.terms.profile.statement:
        raise InvalidField("this jurisdiction's profile knows no statements", field="text")
    check_text(said.text, STATEMENT_CHARACTERS_MAX)
    now = ports.now()
    with ports.begin() as work:
        record = _spoken_of(said, voice, work)
        indices = record.indices if record else voice.indices
        if stored := work.disputes.statement(indices[0], said.statement_id):
            if stored.digest != said.digest:
                raise StatementConflict("the id was used before", field="statement_id")
            return MadeStatement(
                statement_id=said.statement_id,
                made_at=stored.made_at,
                leaf_hash=stored.leaf_hash,
                replayed=True,
            )
        count_against_quota(indices[0], work, ports, now)
        leaf_hash = _log(said, indices[0], work, ports, now)
        work.disputes.add_statement(_sealed(said, record, indices, leaf_hash, ports))
        work.commit()
    return MadeStatement(
        statement_id=said.statement_id, made_at=now, leaf_hash=leaf_hash, replayed=False
    )


def _spoken_of(said: StatementText, voice: Voice, work: Work) -> DisputedRecord | None:
    """Find the record that is meant; None where a borrower speaks about everything."""
    if voice.indices and said.record_id is None:
        return None
    record = record_for(voice, said.account_ref, said.record_id, work)
    if record is None:
        raise AbsentError
    return record


def _log(said: StatementText, index: bytes, work: Work, ports: Ports, now: int) -> bytes:
    draft = LeafDraft(
        kind=Kind.STATEMENT,
        member="",
        subject=ports.keyring.pseudonym(index),
        audit_slot={"statement": show("sta", said.statement_id)},
    )
    return write_leaves(work, [draft], ports, now)[0].leaf_hash


def _sealed(
    said: StatementText,
    record: DisputedRecord | None,
    indices: tuple[bytes, ...],
    leaf_hash: bytes,
    ports: Ports,
) -> NewStatement:
    aad = statement_aad(said.statement_id.bytes)
    key = ports.sealer.new_key(aad)
    return NewStatement(
        statement_id=said.statement_id,
        indices=indices,
        record_id=record.record_id if record else None,
        about_member=record.member if record else None,
        made_at=ports.now(),
        digest=said.digest,
        leaf_hash=leaf_hash,
        kek_id=key.kek_id,
        wrapped=key.wrapped,
        sealed=key.seal(pad(said.text.encode()), aad),
    )
