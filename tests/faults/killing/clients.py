"""Clients that write down what they do before they do it, and never give up on an id.

Each is a thread with an SDK of its own over HTTP. A query that got no answer is asked again under
the same id until it is answered: then the ledger says so. What was interrupted is asked once more
at the end, and must give the same receipt.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TypeVar

from exchange_client.client import Exchange
from exchange_client.core.asking import Question
from exchange_client.core.retrying import Patience
from exchange_client.errors import CxError, Outage, Refused
from exchange_client.keys import KeyFile
from exchange_client.pins import Pins
from exchange_client.receipts import Receipt
from tests.client.sdk.samples import PURPOSE, grant_for, row
from tests.support.borrowers import borrower

T = TypeVar("T")

PACE_SECONDS = 0.08  # between two acts of a client
GIVE_UP_SECONDS = 60  # for one id: by then the service must be back
PROOFS_MAX = 40  # redeemed at the end, interrupted ones first
_IMPATIENT = Patience(deadline_seconds=5, try_seconds=3, tries=1)


class Ledger:
    """A file of JSON lines: a line is on disk before the client goes on."""

    def __init__(self, path: Path, member: str) -> None:
        self.path = path
        self._member = member
        self._file = path.open("ab")
        self._lock = Lock()

    def write(self, what: str, id_: str, **more: str) -> None:
        """Write one line durably."""
        line = {"what": what, "member": self._member, "id": id_, **more}
        with self._lock:
            self._file.write(json.dumps(line).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(slots=True)
class Done:
    """What a client did."""

    answers: int = 0
    interrupted: list[tuple[Question, Receipt]] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    batches: int = 0
    last_at: float = 0.0  # monotonic seconds of the last answer
    failures: list[str] = field(default_factory=list)  # anything that is no outage


class Client(Thread):
    """One member under load."""

    def __init__(self, key: KeyFile, pins: Pins, ledger: Ledger, first_borrower: int) -> None:
        super().__init__(name=f"client {key.member}", daemon=True)
        self._key = key
        self._exchange = Exchange(key, pins, patience=_IMPATIENT)
        self._ledger = ledger
        self._next = first_borrower
        self._stop_asked = Event()
        self.done = Done()

    def finish(self) -> None:
        """Let it end after what it is at."""
        self._stop_asked.set()
        self.join(2 * GIVE_UP_SECONDS)

    def run(self) -> None:
        """Ask and report until told to stop."""
        try:
            while not self._stop_asked.is_set():
                self._turn()
        except CxError as error:
            self.done.failures.append(f"{self.name}: {error.code}: {error}")

    def settle(self) -> None:
        """Ask again what was interrupted, and redeem receipts; the load is over."""
        for question, receipt in self.done.interrupted:
            again, _ = self._until_done(partial(self._exchange.ask, question))
            if again.receipt.text != receipt.text:
                self.done.failures.append(f"{question.query_id}: another receipt the second time")
        chosen = [receipt for _, receipt in self.done.interrupted] + self.done.receipts[::-1]
        for receipt in list(dict.fromkeys(chosen))[:PROOFS_MAX]:
            redeem = partial(self._exchange.receipt_proof, receipt, wait_seconds=10)
            proven, _ = self._until_done(redeem)
            self._ledger.write("proof", receipt.claims.jti, proof=proven.proof.decode())
        self._exchange.close()
        self._ledger.close()

    def _turn(self) -> None:
        """One borrower: a grant, an answer under it, a refusal without it, now and then a file."""
        who = borrower(self._next)
        self._next += 1
        grant = self._until_done(lambda: grant_for(self._exchange, self._key, who))[0]
        for relied_on in (grant, None):
            self._ask(Question(identifiers=(who,), purpose=PURPOSE, grant=relied_on))
            self._stop_asked.wait(PACE_SECONDS)
        if self._next % 3 == 0:
            self._report()

    def _ask(self, question: Question) -> None:
        self._ledger.write("query", question.query_id)
        answer, tries = self._until_done(lambda: self._exchange.ask(question))
        self._ledger.write("query", question.query_id, receipt=answer.receipt.text)
        self.done.answers += 1
        self.done.last_at = time.monotonic()
        self.done.receipts.append(answer.receipt)
        if tries > 1:
            self.done.interrupted.append((question, answer.receipt))

    def _report(self) -> None:
        who = borrower(self._next)
        consent = self._until_done(
            lambda: grant_for(self._exchange, self._key, who, purpose="contribute")
        )[0]
        rows = [row(who, consent, days, account_ref=f"a{self._next}-{days}") for days in (0, 20)]
        file = self._until_done(lambda: self._exchange.prepare_batch(rows))[0]
        self._ledger.write("batch", file.batch_id)
        receipt, _ = self._until_done(lambda: self._exchange.upload(file))
        self._ledger.write("batch", file.batch_id, receipt=receipt.text)
        self.done.batches += 1

    def _until_done(self, act: Callable[[], T]) -> tuple[T, int]:
        """Try until it is done; say how many tries that took. Only an outage is tried again."""
        gives_up = time.monotonic() + GIVE_UP_SECONDS
        tries = 0
        while True:
            tries += 1
            try:
                return act(), tries
            except (Outage, Refused) as error:
                if not error.retryable or time.monotonic() > gives_up:
                    raise
                time.sleep(0.05)
