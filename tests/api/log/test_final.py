"""A receipt that the SDK calls final leads to a checkpoint that a quorum has cosigned."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from exchange.app.publishing import open_publishing
from exchange.services.log.open_log import open_log
from exchange.services.log.ports import log_key
from exchange.services.witnesses.submit_checkpoint import submit_checkpoint
from exchange_client.core.proving import redeem
from exchange_client.errors import NotYetLogged
from exchange_client.notes import open_checkpoint, parse_vkey
from tests.support.borrowers import borrower
from tests.support.log.witnesses import witness_set
from tests.support.sandbox import make_sandbox


def test_without_the_quorum_there_is_a_proof_and_nothing_final(
    database_url: str, tmp_path: Path
) -> None:
    """A lender that waits for a final receipt would decide on one that could still be forked."""
    first = make_sandbox(database_url, tmp_path)
    origin = first.ports.origin(first.ports.now())
    vkey = log_key(origin, first.ports.keyring.checkpoint_public_key).vkey()
    first.close()
    (tmp_path / "witnesses").mkdir()
    with witness_set(tmp_path / "witnesses", 1) as witnesses:
        witnesses.know(vkey)
        witnesses.start()
        sandbox = make_sandbox(database_url, tmp_path, witness_policy_path=witnesses.policy)
        with closing(sandbox), sandbox.exchange(sandbox.enrol("member-a")) as lender:
            receipt = lender.query(borrower(1), purpose="credit_application").receipt
            sandbox.sequence()
            assert lender.receipt_proof(receipt).verified.index >= 0
            with pytest.raises(NotYetLogged):
                lender.audit(redeem(lender.desk, receipt, 0, final=True))
            with open_publishing(sandbox.settings) as publishing:
                submit_checkpoint(open_log(publishing.log_ports), publishing)

            proven = lender.wait_final(receipt)

        keys = [parse_vkey(one.vkey) for one in witnesses.witnesses]
    cosigned = open_checkpoint(proven.verified.checkpoint, parse_vkey(vkey), keys).cosigned_at
    assert ["w1.example/witness"] == list(cosigned)
