"""I12: records chosen at random open under their keys, and hold what a record holds."""

from __future__ import annotations

from collections.abc import Iterator

from exchange.crypto.sealing import record_aad, unpad
from exchange.domain.records import decode_payload
from exchange.errors import ExchangeError
from exchange.services.verify_run.ports import Break, RunPorts, RunStatements, StoredRecord

RECORDS_MAX = 1_000


def check_records(run: RunStatements, ports: RunPorts) -> Iterator[Break]:
    """Yield records that do not open."""
    for record in run.some_records(RECORDS_MAX):
        try:
            _open(record, ports)
        except (ExchangeError, ValueError) as error:
            yield Break("I12", f"record {record.record_id} {record.version}", f"{error}")


def _open(record: StoredRecord, ports: RunPorts) -> None:
    aad = record_aad(record.record_id.bytes, record.version, record.member, record.epoch)
    key = ports.sealer.open_key(record.kek_id, record.wrapped, aad)
    decode_payload(unpad(key.open(record.sealed, aad)))
