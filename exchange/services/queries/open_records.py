"""Open what the gate found of a subject: the records of members, and the borrower's own word."""

from __future__ import annotations

from exchange.crypto.sealing import record_aad, statement_aad, unpad
from exchange.domain.findings import HeldRecord
from exchange.domain.records import decode_payload
from exchange.services.disputes.ports import SealedStatement
from exchange.services.ports import Ports
from exchange.services.records.ports import SealedRecord


def open_record(record: SealedRecord, ports: Ports) -> HeldRecord:
    """Open one record.

    Raises:
        IntegrityError: it is not what was sealed for this place.
    """
    aad = record_aad(record.record_id.bytes, record.version, record.member, record.epoch)
    opened = ports.sealer.open_one((record.kek_id, record.wrapped), record.sealed, aad)
    return HeldRecord(
        record.record_id,
        record.member,
        record.disputed,
        record.suppressed,
        decode_payload(unpad(opened)),
        record.answer_late,
    )


def open_statement(statement: SealedStatement, ports: Ports) -> str:
    """Open a statement.

    Raises:
        IntegrityError: it is not what was sealed for this place.
    """
    aad = statement_aad(statement.statement_id.bytes)
    wrapped = (statement.kek_id, statement.wrapped)
    return unpad(ports.sealer.open_one(wrapped, statement.sealed, aad)).decode()
