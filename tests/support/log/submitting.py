"""The publisher's ports of a log, over real connections to whoever the policy names."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace

from exchange.app.witness_client import Witnesses
from exchange.domain.log.policies import parse_policy
from exchange.services.witnesses.submit_checkpoint import SubmitPorts
from tests.support.access_log import AccessLog


@contextmanager
def submitting(log: AccessLog, policy_text: str) -> Iterator[SubmitPorts]:
    """Yield what submitting this log's checkpoints may touch."""
    policy = parse_policy(policy_text)
    with closing(Witnesses()) as reach, ThreadPoolExecutor(4) as executor:
        yield SubmitPorts(
            log_ports=replace(log.log_ports, policy=policy), reach=reach, executor=executor
        )
