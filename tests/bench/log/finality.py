"""How long after its answer a receipt is final: proven by a checkpoint that a quorum cosigned.

A server, a sequencer, a publisher and three witnesses of our own, two of whom are the quorum, as
processes on one durable database; lenders ask over HTTP at moments that nobody chose.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.request import urlopen

from exchange.services.log.ports import log_key
from exchange.settings import Settings
from exchange.store.embedded.server import Launch, start
from exchange_client import Exchange
from exchange_client.pins import Pins
from tests.bench.report import Measure, figure, percentile
from tests.demo.scene import free_port
from tests.support import postgres
from tests.support.borrowers import borrower
from tests.support.log.processes import Place, running, until
from tests.support.log.witnesses import witness_set
from tests.support.sandbox import Sandbox, make_sandbox

LANES = 8
RHYTHM = ("sequence_interval_ms", "publish_new_ms", "publish_interval_ms")
WITNESSES, QUORUM = 3, "2"


def measure_finality(receipts: int = 160) -> dict[str, Measure]:
    """Measure so many receipts, in the rhythm that sequencer and publisher have by default."""
    with _lender() as lender, ThreadPoolExecutor(LANES) as lanes:
        took = list(lanes.map(partial(_finality, lender), range(receipts)))
    return {
        "receipt_final_p50_s": figure(percentile(took, 0.5), "s"),
        "receipt_final_p99_s": figure(percentile(took, 0.99), "s"),
    }


def _finality(lender: Exchange, number: int) -> float:
    time.sleep(random.Random(number).random())  # noqa: S311 - within a sequencer's second
    answer = lender.query(borrower(number), purpose="credit_application")
    began = time.perf_counter()
    lender.wait_final(answer.receipt)
    return time.perf_counter() - began


@contextmanager
def _lender() -> Iterator[Exchange]:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        directory.chmod(0o711)
        server = start(Launch(data_dir=directory / "d", sandbox=True))
        stack.callback(server.stop)
        postgres.lay_out(server.url)
        (state := directory / "state").mkdir(mode=0o700)
        sandbox = make_sandbox(server.url, state)
        stack.callback(sandbox.close)
        key = sandbox.enrol("lender-a")
        witnesses = stack.enter_context(witness_set(directory, WITNESSES))
        witnesses.know(_vkey(sandbox), QUORUM)
        witnesses.start()
        base = f"http://127.0.0.1:{(port := free_port())}"
        settings = {
            "witness_policy_path": witnesses.policy,
            "public_base_url": base,
            "listen": f"127.0.0.1:{port}",
            **{name: Settings.model_fields[name].default for name in RHYTHM},
        }
        for word in ("sequence", "publish", "serve"):
            stack.enter_context(running(Place(server.url, state), word, **settings))
        until(lambda: _description(base))
        yield stack.enter_context(Exchange(key, Pins.trust(_description(base))))


def _vkey(sandbox: Sandbox) -> str:
    origin = sandbox.ports.origin(sandbox.ports.now())
    return log_key(origin, sandbox.ports.keyring.checkpoint_public_key).vkey()


def _description(base: str) -> str:
    """Fetch the description; "" while nobody answers."""
    try:
        with urlopen(f"{base}/.well-known/cx-exchange", timeout=5) as response:  # noqa: S310 - loopback
            return str(json.load(response)["description"])
    except OSError:
        return ""
