"""Give many synthetic borrowers a grant each, through the real API.

Tokens are evaluated in slices, as a nightly run would; then one `POST /v1/grants` each, from a few
threads over kept connections. There is no bulk registration: each artefact is verified by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from exchange_client.client import Exchange
from exchange_client.core.calls import post_json
from exchange_client.core.encoding import b64url
from exchange_client.core.tokens import evaluate
from exchange_client.grants import Grant
from exchange_client.identifiers import Identifier
from exchange_client.keys import KeyFile
from tests.support.borrowers import consent

THREADS = 4
Tokens = dict[Identifier, bytes]


def evaluate_all(exchange: Exchange, subjects: Sequence[Identifier]) -> Tokens:
    """Return the token of each subject, proofs verified."""
    return exchange._run(evaluate(subjects, exchange.pins.current_epoch))


def register_all(
    exchange: Exchange,
    key: KeyFile,
    purpose: str,
    tokens: Tokens,
    on_done: Callable[[], None] = lambda: None,
) -> dict[Identifier, str]:
    """Register a synthetic consent of every subject; return the grants' ids."""

    def register(subject: Identifier) -> tuple[Identifier, str]:
        grant = consent(subject, purpose, key=key, pins=exchange.pins)
        _register(exchange, grant, tokens[subject])
        on_done()
        return subject, grant.grant_id

    with ThreadPoolExecutor(THREADS) as pool:
        return dict(pool.map(register, tokens))


def _register(exchange: Exchange, grant: Grant, token: bytes) -> None:
    epoch = exchange.pins.current_epoch.epoch
    body: dict[str, object] = {"artefact": grant.artefact, "token": b64url(token), "epoch": epoch}
    exchange._call(post_json("/v1/grants", body, accepted=frozenset({200, 201})))
