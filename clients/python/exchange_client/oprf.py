"""Turn identifiers into tokens with the evaluator's help, without showing it the identifiers.

`blind` the inputs, send `.elements`, then `finalize` with what came back: the proof is verified
against the pinned public key before anything is unblinded. Blinds are fresh, are used for one try
only, and live in a `Blinding` in memory: never stored, never logged.

Source: RFC 9497, mode 0x01 (VOPRF), ristretto255-SHA512; crypto.md 2.
"""

from __future__ import annotations

from collections.abc import Sequence

from voprf import ristretto

from exchange_client.errors import ProofInvalid, UsageError

ELEMENTS_MAX = 500  # elements under one proof
INPUT_BYTES_MAX = 65_535  # RFC 9497 1.2: the length is written in two bytes
ELEMENT_BYTES = 32
PROOF_BYTES = 64  # two scalars, c then s


class Blinding:
    """Inputs under fresh blinds, for one evaluation. After `finalize` it is spent."""

    __slots__ = ("_clients", "elements")

    def __init__(self, inputs: Sequence[bytes]) -> None:
        pairs = [ristretto.Client.blind(text) for text in inputs]
        self._clients = [client for client, _ in pairs]
        self.elements = tuple(blinded.serialize() for _, blinded in pairs)  # 32 bytes each

    def __repr__(self) -> str:
        return f"Blinding({len(self.elements)} elements, {'open' if self._clients else 'spent'})"

    def _spend(self) -> list[ristretto.Client]:
        """Hand out the blinds, once."""
        clients, self._clients = self._clients, []
        if not clients:
            raise UsageError("a blinding serves one evaluation: blind the inputs again")
        return clients


def blind(inputs: Sequence[bytes]) -> Blinding:
    """Blind 1 to 500 inputs, each under its own fresh blind.

    Raises:
        UsageError: too few or too many inputs, or one is empty or too long.
    """
    if not 1 <= len(inputs) <= ELEMENTS_MAX:
        raise UsageError(f"1 to {ELEMENTS_MAX} inputs are blinded at a time, not {len(inputs)}")
    if not all(1 <= len(text) <= INPUT_BYTES_MAX for text in inputs):
        raise UsageError(f"an input has 1 to {INPUT_BYTES_MAX} bytes")
    return Blinding(inputs)


def finalize(
    blinding: Blinding, evaluated: Sequence[bytes], proof: bytes, public_key: bytes
) -> tuple[bytes, ...]:
    """Verify the proof, then return the 64-byte output of each input, in order.

    Args:
        evaluated: as many elements as were blinded, in the same order.
        public_key: the 32 bytes pinned for the epoch, never a key that came with the answer.

    Raises:
        ProofInvalid: not proven under that key; nothing was unblinded. Blind again to try again.
        UsageError: this blinding was finalized before, with whatever result.

    Source: RFC 9497 3.3.2 (Finalize).
    """
    clients = blinding._spend()
    if len(evaluated) != len(clients):
        raise ProofInvalid(f"{len(clients)} elements were sent, {len(evaluated)} came back")
    _refuse_length(public_key, ELEMENT_BYTES, "the public key")
    _refuse_length(proof, PROOF_BYTES, "the proof")
    for element in evaluated:  # Only the sum would be noticed below.
        _refuse_length(element, ELEMENT_BYTES, "an evaluated element")
    try:
        # Refused here: what is not canonical, the identity, scalars of 0 or from the order on.
        key = ristretto.PublicKey.deserialize(public_key)
        output = ristretto.VerifiableBatchOutput.deserialize(proof + b"".join(evaluated))
    except ValueError as error:
        raise ProofInvalid(str(error)) from error
    return _unblind(clients, output, key)


def _unblind(
    clients: list[ristretto.Client],
    output: ristretto.VerifiableBatchOutput,
    key: ristretto.PublicKey,
) -> tuple[bytes, ...]:
    """Let the library verify the proof and unblind.

    voprf 0.2 panics on a batch whose proof is false. What then arrives here derives from
    BaseException and can be imported from nowhere: its name is all there is to know it by.
    """
    try:
        return tuple(ristretto.Client.finalize_batch(clients, output, key))
    except BaseException as error:
        if isinstance(error, ValueError) or type(error).__name__ == "PanicException":
            raise ProofInvalid from error
        raise


def _refuse_length(given: bytes, length: int, what: str) -> None:
    if len(given) != length:
        raise ProofInvalid(f"{what} has {length} bytes, not {len(given)}")
