"""From identifiers to tokens: blind, ask, verify the proof, finish.

Each try blinds anew: a blind is used once, even when the exchange did not answer.
Source: the wire protocol, section "From identifier to token".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from exchange_client.core.calls import JSON_TYPE, Call, Flow, Reply
from exchange_client.core.encoding import b64url, dumps, unb64url
from exchange_client.errors import UnverifiedResponse
from exchange_client.identifiers import Identifier
from exchange_client.oprf import ELEMENTS_MAX, Blinding, blind, finalize
from exchange_client.pins import PinnedEpoch

OnTokens = Callable[[int, int], None]  # done, total


class _Evaluation:
    """One slice of inputs on its way through the evaluator."""

    def __init__(self, inputs: Sequence[bytes], epoch: PinnedEpoch) -> None:
        self._inputs = inputs
        self._epoch = epoch
        self._blinding: Blinding | None = None

    def body(self) -> bytes:
        """Blind the inputs afresh and write the request of this try."""
        self._blinding = blind(self._inputs)
        elements = [b64url(element) for element in self._blinding.elements]
        return dumps({"epoch": self._epoch.epoch, "elements": elements})

    def finish(self, reply: Reply) -> tuple[bytes, ...]:
        """Verify the proof of the last try and return the tokens.

        Raises:
            ProofInvalid: not proven under the pinned public key of the epoch.
            UnverifiedResponse: signed, yet not in the form of an evaluation.
        """
        answer = reply.json()
        elements, proof = answer.get("elements"), answer.get("proof")
        if not isinstance(elements, list) or answer.get("epoch") != self._epoch.epoch:
            raise UnverifiedResponse("the evaluation names another epoch or holds no elements")
        assert self._blinding is not None  # noqa: S101 - a reply follows a body
        try:
            evaluated = [unb64url(element) for element in elements]
            return finalize(self._blinding, evaluated, unb64url(proof), self._epoch.public_key)
        except ValueError as error:
            raise UnverifiedResponse(f"the evaluation is not in its form: {error}") from error


def evaluate(
    identifiers: Iterable[Identifier], epoch: PinnedEpoch, on_tokens: OnTokens | None = None
) -> Flow[dict[Identifier, bytes]]:
    """Return the token of each identifier, each asked for once.

    Raises:
        ProofInvalid: the evaluator does not hold the key that is pinned.
    """
    wanted = list(dict.fromkeys(identifiers))
    tokens: dict[Identifier, bytes] = {}
    for start in range(0, len(wanted), ELEMENTS_MAX):
        part = wanted[start : start + ELEMENTS_MAX]
        evaluation = _Evaluation([one.oprf_input() for one in part], epoch)
        reply = yield Call(
            method="POST", path="/v1/tokens", body=evaluation.body, content_type=JSON_TYPE
        )
        tokens.update(zip(part, evaluation.finish(reply), strict=True))
        if on_tokens is not None:
            on_tokens(len(tokens), len(wanted))
    return tokens
