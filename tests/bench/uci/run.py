"""The one honest test of usefulness: real clients' months as records, answers against October.

Five members report 30,000 real clients for six months through the real API; a sixth, new to all of
them, holds their consent and asks about every one; the grade of each signed answer is then held
against what the client really did. Of each member's consents some are registered by the API, the
others go straight into the table: one by one, 60,000 of them would take most of the run. Source of
the file: Yeh (2009), UCI Machine Learning Repository, data set 350 (CC BY 4.0). Identifiers are
synthetic, one for each line of the file.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from exchange.crypto.keyring import load_keyring
from exchange.domain.ids import show
from exchange_client.answers import Adverse, Answer, NoAdverse
from exchange_client.answers.findings import Finding
from exchange_client.batches.files import BatchFile, BatchHeader, build
from exchange_client.batches.rows import token_list
from exchange_client.client import Exchange
from exchange_client.core.asking import Question
from exchange_client.core.ids import new_id
from exchange_client.core.retrying import Patience
from exchange_client.grades import grade_of
from exchange_client.identifiers import Identifier
from tests.bench.report import figure, report
from tests.bench.stock import load_grants
from tests.bench.uci.rows import MEMBERS, MONTHS, Client, cut_short, read_clients, report_days, rows
from tests.bench.uci.separation import GRADES, auc, default_rates
from tests.demo.scene import Scene, sandbox
from tests.support.borrowers import borrower
from tests.support.registering import Tokens, evaluate_all, register_all

ASKER = "bank-new"
QUERIES_A_BATCH = 500
REGISTERED = 500  # of each member's grants: what `grants_per_s` is measured on
QUOTAS = {
    "EVALUATIONS_PER_DAY": "1000000",
    "QUERIES_PER_OPERATOR_HOUR": "1000000",
    "NEW_MEMBER_QUERIES_PER_DAY": "1000000",
    "SEQUENCE_ROWS_MAX": "50000",
}
_PATIENCE = Patience(deadline_seconds=120, try_seconds=60)


@dataclass(slots=True)
class _Run:
    """One run: who takes part, and how long each phase took."""

    scene: Scene
    exchanges: dict[str, Exchange]
    days_now: int  # unix seconds
    seconds: dict[str, float] = field(default_factory=dict)
    registered: int = 0  # grants, by the API

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase, and say so on standard error."""
        print(f"{name} ...", file=sys.stderr, flush=True)
        began = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began, 2)
        print(f"{name}: {self.seconds[name]} s", file=sys.stderr, flush=True)


def bench_uci(path: Path, clients_max: int | None = None) -> dict[str, object]:
    """Report the clients of the file, ask about each, and compare with October."""
    clients = read_clients(path)[:clients_max]
    with sandbox(QUOTAS) as scene, ExitStack() as stack:
        keys = {name: scene.enrol(name) for name in (*MEMBERS, ASKER)}
        exchanges = {
            name: stack.enter_context(Exchange(key, scene.pins, patience=_PATIENCE))
            for name, key in keys.items()
        }
        run = _Run(scene, exchanges, int(time.time()))
        stored = _report_all(run, clients)
        answers = _ask_all(run, clients)
    return _result(run, clients, answers, stored)


def _report_all(run: _Run, clients: Sequence[Client]) -> int:
    """Let each member register its clients' consents and upload six monthly files."""
    today = datetime.fromtimestamp(run.days_now, ZoneInfo("Asia/Shanghai")).date()
    days, stored = report_days(today), 0
    for member in MEMBERS:
        own = [client for client in clients if client.member == member]
        exchange = run.exchanges[member]
        with run.phase(f"{member} tokens"):
            tokens = evaluate_all(exchange, [borrower(client.number) for client in own])
        grants = _grants(run, member, "contribute", tokens)
        told = [
            list(rows(client, days, grants[borrower(client.number)], run.days_now))
            for client in own
        ]
        with run.phase(f"{member} uploads"):
            for month in range(MONTHS):
                file = _file(exchange, own, [rows_of[month] for rows_of in told], tokens, month)
                receipt = exchange.upload(file)
                stored += receipt.stored
                if receipt.faulted:
                    raise RuntimeError(f"{receipt.faulted} rows of {member} were refused")
    return stored


def _grants(run: _Run, member: str, purpose: str, tokens: Tokens) -> dict[Identifier, str]:
    """Register the first grants and load the others; return the ids of all."""
    registered = dict(list(tokens.items())[:REGISTERED])
    with run.phase(f"{member} grants"):
        key = run.scene.key(member)
        grants = register_all(run.exchanges[member], key, purpose, registered)
    run.registered += len(grants)
    loaded = [one for one in tokens if one not in registered]
    ids = load_grants(
        run.scene.database_url(),
        load_keyring(run.scene.members.parent / "keyring.json"),
        [tokens[one] for one in loaded],
        member=member,
        purpose=purpose,
    )
    return grants | {one: show("gnt", id_) for one, id_ in zip(loaded, ids, strict=True)}


def _file(
    exchange: Exchange,
    own: Sequence[Client],
    month_rows: Sequence[dict[str, object]],
    tokens: Tokens,
    month: int,
) -> BatchFile:
    header = BatchHeader(
        batch_id=new_id("bat"),
        member=exchange.member,
        epoch=exchange.pins.current_epoch.epoch,
        profile=exchange.pins.profiles[0],
        sequence=month + 1,
        created=int(time.time()),
    )
    subjects = [borrower(client.number) for client in own]
    named = zip(month_rows, subjects, strict=True)
    return build(header, [{**row, "tokens": token_list([one], tokens)} for row, one in named])


def _ask_all(run: _Run, clients: Sequence[Client]) -> list[Answer]:
    """Let the newcomer register its applicants' consents and ask about every one."""
    exchange = run.exchanges[ASKER]
    subjects = [borrower(client.number) for client in clients]
    with run.phase("asker tokens"):
        tokens = evaluate_all(exchange, subjects)
    grants = _grants(run, ASKER, "credit_application", tokens)
    answers: list[Answer] = []
    with run.phase("queries"):
        for start in range(0, len(subjects), QUERIES_A_BATCH):
            part = subjects[start : start + QUERIES_A_BATCH]
            answers += exchange.query_batch([_question(one, grants[one]) for one in part])
    return answers


def _question(subject: Identifier, grant: str) -> Question:
    return Question(
        identifiers=(subject,), purpose="credit_application", grant=grant, operator="bench"
    )


def _result(
    run: _Run, clients: Sequence[Client], answers: Sequence[Answer], stored: int
) -> dict[str, object]:
    defaulted = [client.defaulted for client in clients]
    letters = [answer.grade or "" for answer in answers]
    graded = [GRADES.find(letter) for letter in letters]
    scores = [_score(answer) for answer in answers]
    today = datetime.fromtimestamp(run.days_now, ZoneInfo("Asia/Shanghai")).date()
    grants = sum(seconds for name, seconds in run.seconds.items() if name.endswith("grants"))
    uploads = sum(seconds for name, seconds in run.seconds.items() if name.endswith("uploads"))
    return report(
        "uci",
        {
            "uci_auc": figure(auc(graded, defaulted), "AUC"),
            "uci_auc_score": figure(auc(scores, defaulted), "AUC"),
            "rows_per_s": figure(stored / uploads, "1/s"),
            "grants_per_s": figure(run.registered / grants, "1/s"),
            "queries_per_s": figure(len(clients) / run.seconds["queries"], "1/s"),
        },
        clients=len(clients),
        members=len(MEMBERS),
        rows_stored=stored,
        reports_cut_short=sum(cut_short(client, report_days(today)) for client in clients),
        by_outcome=default_rates((answer.outcome for answer in answers), defaulted),
        by_grade=default_rates(letters, defaulted),
        phase_seconds=run.seconds,
    )


def _score(answer: Answer) -> int:
    """Recompute the score from what the receipt shows; its grade must be the signed one."""
    if not isinstance(answer, Adverse | NoAdverse):
        return -1
    made = grade_of(_claim(answer.finding))
    if made.letter != answer.grade:
        raise RuntimeError(f"signed grade {answer.grade}, recomputed {made.letter}")
    return made.score


def _claim(finding: Finding) -> dict[str, object]:
    bands = {name: getattr(finding, name) for name in finding.shown - {"velocity"}}
    velocity = finding.velocity_if_shown
    return bands if velocity is None else {**bands, "velocity": {"30": velocity.days_30}}
