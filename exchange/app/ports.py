"""What the services may touch: a pool, a keyring, the terms. Concrete classes are picked here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import lru_cache

from consent.profiles import load_profile
from exchange.crypto.keyring import Keyring, load_keyring
from exchange.crypto.oprf import Evaluator
from exchange.crypto.sealing import Sealer
from exchange.domain.batches import BatchLimits
from exchange.domain.flags.parameters import DEFAULTS, Parameters, read_parameters
from exchange.domain.log.policies import NO_POLICY, Policy, parse_policy
from exchange.errors import UnavailableError
from exchange.services.audit.ports import AuditPorts
from exchange.services.batches.ports import BatchTerms
from exchange.services.erasure.ports import ErasePorts
from exchange.services.log.ports import LogPorts, SequencePorts
from exchange.services.ports import Ports, Terms, log_origin
from exchange.services.queries.ports import QueryQuotas
from exchange.settings import Settings
from exchange.store.log import LogDatabase
from exchange.store.log.checkpoint_file import CheckpointFiles
from exchange.store.log.erasure import ShredFile
from exchange.store.work import Database


def open_database(settings: Settings) -> Database:
    """Make this process's pool of connections."""
    database = Database(
        settings.libpq_url,
        connections_max=settings.pool_connections_max,
        wait_seconds=settings.pool_wait_ms_max / 1_000,
        statement_ms_max=settings.statement_ms_max,
        lock_wait_ms_max=settings.lock_wait_ms_max,
    )
    database.open()
    return database


def make_ports(settings: Settings, database: Database) -> Ports:
    """Gather what the services may touch.

    Raises:
        SettingsError: the keyring is absent, readable by others, or not a whole keyring.
    """
    keyring = load_keyring(settings.keyring_file)
    return Ports(
        now=lambda: int(time.time()),
        now_ms=lambda: time.time_ns() // 1_000_000,
        random_bytes=os.urandom,
        begin=database.begin,
        session=database.session,
        log_id=_log_ids(settings, database),
        keyring=keyring,
        sealer=Sealer(keyring),
        evaluators=_evaluators(keyring),
        terms=Terms(
            issuer=settings.issuer,
            name=settings.name,
            public_base=settings.public_base_url,
            domain=settings.origin_domain,
            log_restart=settings.log_restart,
            profile=load_profile(settings.profile),
            evaluations_per_day=settings.evaluations_per_day,
            queries=QueryQuotas(
                operator_hour=settings.queries_per_operator_hour,
                subject_day=settings.queries_per_subject_day,
                day=settings.queries_per_day,
                new_member_day=settings.new_member_queries_per_day,
                new_member_seconds=settings.new_member_days * 86_400,
            ),
            uploads_per_day=settings.uploads_per_day,
            disputes_per_subject_day=settings.disputes_per_subject_day,
            log_late_seconds_max=settings.log_late_seconds_max,
            batches=_batch_terms(settings),
        ),
    )


def _batch_terms(settings: Settings) -> BatchTerms:
    return BatchTerms(
        limits=BatchLimits(
            rows_max=settings.batch_rows_max,
            bytes_max=settings.batch_file_bytes_max,
            row_bytes_max=settings.batch_row_bytes_max,
            ratio_max=settings.batch_unpack_ratio_max,
        ),
        fault_share_percent_max=settings.fault_share_percent_max,
        inline_bytes_max=settings.batch_inline_bytes_max,
        part_bytes_max=settings.batch_part_bytes_max,
        receiving_max=settings.batch_receiving_max,
        unfinished_seconds=settings.batch_unfinished_seconds,
        dry_run_seconds=settings.batch_dry_run_seconds,
        tries_max=settings.batch_tries_max,
    )


def make_log_ports(
    settings: Settings, ports: Ports, log_database: LogDatabase
) -> tuple[LogPorts, SequencePorts]:
    """Gather what the sequencer may touch: a connection of its own, and the outside checkpoint."""
    return (
        LogPorts(ports=ports, begin=log_database.begin, policy=witness_policy(settings)),
        SequencePorts(
            now=ports.now,
            begin=log_database.begin,
            outside=CheckpointFiles(settings.checkpoint_file).hold,
            signer=ports.keyring,
            rows_max=settings.sequence_rows_max,
        ),
    )


def make_audit_ports(settings: Settings, ports: Ports, database: Database) -> AuditPorts:
    """Gather what a regulator's reads may touch."""
    return AuditPorts(
        ports=ports,
        begin=database.begin,
        policy=witness_policy(settings),
        parameters=flag_parameters(settings),
        export_entries_max=settings.export_entries_max,
        opening_life_seconds=settings.subject_release_days * 86_400,
        embargo_seconds_max=settings.embargo_days_max * 86_400,
    )


def flag_parameters(settings: Settings) -> Parameters:
    """Read by which numbers flags are raised."""
    path = settings.flag_policy_path
    return read_parameters(path.read_text(encoding="utf-8")) if path else DEFAULTS


def make_erase_ports(settings: Settings, ports: Ports, database: Database) -> ErasePorts:
    """Gather what erasing may touch: the database, and the list that is kept outside of it."""
    return ErasePorts(ports=ports, begin=database.begin, shredded=ShredFile(settings.shred_file))


def witness_policy(settings: Settings) -> Policy:
    """Read whose cosignatures make a checkpoint final; the settings have checked the file."""
    path = settings.witness_policy_path
    return parse_policy(path.read_text(encoding="utf-8")) if path else NO_POLICY


def _evaluators(keyring: Keyring) -> Callable[[str], Evaluator]:
    @lru_cache(maxsize=8)
    def evaluator(epoch: str) -> Evaluator:
        return Evaluator.from_seed(keyring.evaluator_seed(epoch), epoch)

    return evaluator


def _log_ids(settings: Settings, database: Database) -> Callable[[int], int]:
    @lru_cache(maxsize=4)
    def by_origin(origin: str) -> int:
        with database.begin() as work:
            found = work.log.find_log(origin)
        if found is None:
            raise UnavailableError(f"the log {origin} is not open yet; start the sequencer")
        return found

    return lambda now: by_origin(log_origin(settings.origin_domain, now, settings.log_restart))
