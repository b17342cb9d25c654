"""The SDK's one error tree. Every error a caller may meet, with a stable code.

    CxError
    ├── UsageError            the call itself is wrong: mend the program
    │   ├── AnswerMisread       an answer was read as if it were another: truth value, finding, band
    │   ├── KeyFileError        the member's key file is absent, open to others, damaged or sealed
    │   ├── PinError            there are no pins of this exchange, or they are not whole
    │   ├── PolicyInvalid       the member's policy has faults; in `policy.values`
    │   └── RowSumInvalid       a scenario moves more or less than all of a state
    ├── BookInvalid           a row of the member's own book breaks a rule; file, line, field
    ├── InvalidIdentifier     the identifier breaks a rule; `code` names the rule, never the value
    ├── Outage                no answer was had: treat the subject as not yet asked about
    │   ├── Unreachable         nothing came back in time
    │   ├── UnverifiedResponse  something came back, and nobody we trust has signed it
    │   │   └── Unrecognised      401: whoever answered does not recognise our signature
    │   ├── NotYetLogged        the log has not proven the receipt's leaf in time
    │   └── ProofInvalid        the evaluation is not proven under the pinned public key
    ├── Refused               the exchange refused the request and signed its problem document
    ├── NotCleared            nothing may be paid out on this receipt; `code` says why
    ├── ReceiptInvalid        the receipt does not prove what it claims
    │   ├── InclusionInvalid    the proof does not show the receipt's leaf in the pinned log
    │   ├── LogInvalid          entries, tiles or openings are not what the checkpoint signs
    │   ├── LogForked           two signed checkpoints of one log contradict each other
    │   └── LogDisowned         the exchange denies a checkpoint that its log's key signed
    ├── WebhookInvalid        a webhook did not ring from the exchange, or not just now
    └── PinMismatch           the exchange describes itself otherwise than it is pinned

An outage is never an answer: no subclass of `CxError` carries an outcome, and `except CxError`
can only ever mean "we do not know". The message holds no value of a subject and no secret.
"""

from __future__ import annotations

from dataclasses import dataclass


class CxError(Exception):
    """The SDK could not do what was asked."""

    code: str = "cx.error"
    retryable: bool = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or type(self).__doc__ or self.code)


class UsageError(CxError):
    """The SDK was called in a way that can never succeed."""

    code = "usage"


class AnswerMisread(UsageError):
    """The answer does not hold what was read from it; branch on its type first."""

    code = "usage.answer"


class KeyFileError(UsageError):
    """The key file cannot be used."""

    code = "usage.key"


class PinError(UsageError):
    """The pins of the exchange cannot be used."""

    code = "usage.pins"


class RowSumInvalid(UsageError):
    """What a scenario moves out of a state does not add up to all of it."""

    code = "scenario.row_sum"


class BookInvalid(CxError):
    """A row of the member's own book breaks a rule; no report is made of the rest."""

    code = "book.row"


class InvalidIdentifier(CxError):
    """The identifier breaks a rule of its type."""

    code = "identifier"

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code  # e.g. `identifier.checksum`: the rule, never the value


class Outage(CxError):
    """No answer was had; nothing may be concluded about the subject."""

    code = "outage"
    retryable = True


class Unreachable(Outage):
    """The exchange did not answer in time."""

    code = "outage.unreachable"


class UnverifiedResponse(Outage):
    """The response is unsigned, wrongly signed, or answers another request."""

    code = "outage.unverified"


class Unrecognised(UnverifiedResponse):
    """The request's signature was not recognised: is the key registered, is the clock right?"""

    code = "outage.unrecognised"
    retryable = False  # Signed anew, it is no better recognised.


class NotYetLogged(Outage):
    """The receipt's leaf is not proven yet; base no decision on it after the promised delay."""

    code = "outage.log"


class ProofInvalid(Outage):
    """The evaluated elements are not proven under the pinned public key; they were not used."""

    code = "token.proof"
    retryable = False  # Another try meets the same key: compare the pins first.


FIELDS_TOLD_MAX = 5  # in an error's own text; all of them stand in `errors`


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFault:
    """One refused field of a request: where (a JSON pointer), which rule, what was expected."""

    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem document (RFC 9457) as the exchange signed it."""

    code: str
    status: int  # HTTP status
    title: str
    errors: tuple[FieldFault, ...] = ()
    request_id: str = ""
    retryable: bool = False
    retry_after_seconds: int | None = None


class Refused(CxError):
    """The exchange refused the request; the code says why and stays the same for ever."""

    code = "refused"

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {_told(problem)} (request {problem.request_id or '-'})")
        self.problem = problem
        self.code = problem.code
        self.status = problem.status
        self.title = problem.title
        self.errors = problem.errors
        self.request_id = problem.request_id
        self.retryable = problem.retryable
        self.retry_after_seconds = problem.retry_after_seconds

    def __reduce__(self) -> tuple[type[Refused], tuple[Problem]]:
        # Exceptions are rebuilt from their text by default; members use process pools.
        return type(self), (self.problem,)


def _told(problem: Problem) -> str:
    """Say what was refused, and which fields; the exchange echoes no value."""
    listed = problem.errors[:FIELDS_TOLD_MAX]
    fields = "; ".join(f"{one.pointer} {one.detail}".strip() for one in listed)
    if not fields:
        return problem.title
    known = any(one.detail == problem.title for one in listed)
    return fields if known else f"{problem.title}: {fields}"


class NotCleared(CxError):
    """Nothing may be paid out on this receipt."""

    code = "gate"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code  # e.g. `gate.too_old`

    def __reduce__(self) -> tuple[type[NotCleared], tuple[str, str]]:
        return type(self), (self.code, str(self))


class ReceiptInvalid(CxError):
    """The receipt does not verify against the pinned keys."""

    code = "receipt.invalid"


class InclusionInvalid(ReceiptInvalid):
    """The proof does not show the receipt's leaf in the pinned log."""

    code = "receipt.inclusion"


class LogInvalid(ReceiptInvalid):
    """The log's entries, tiles or openings are not what its checkpoint signs."""

    code = "log.invalid"


class LogForked(ReceiptInvalid):
    """The log signed two histories: keep both notes, they are the proof."""

    code = "log.forked"

    def __init__(self, held: bytes, offered: bytes) -> None:
        notes = "\n".join(note.decode("utf-8", "replace") for note in (held, offered))
        super().__init__(f"two signed checkpoints contradict each other\n\n{notes}")
        self.held = held
        self.offered = offered

    def __reduce__(self) -> tuple[type[LogForked], tuple[bytes, bytes]]:
        return type(self), (self.held, self.offered)


class LogDisowned(ReceiptInvalid):
    """The exchange denies a checkpoint that its log's key signed: keep the note, it is the proof.

    Two members were shown two logs, or the log was set back. Base no decision on this exchange's
    answers before its operator and the regulator have seen the note.
    """

    code = "log.disowned"

    def __init__(self, held: bytes) -> None:
        note = held.decode("utf-8", "replace")
        super().__init__(
            "the exchange denies a checkpoint that its log's key signed: another log was shown "
            f"elsewhere, or the log was set back; tell its operator and the regulator\n\n{note}"
        )
        self.held = held

    def __reduce__(self) -> tuple[type[LogDisowned], tuple[bytes]]:
        return type(self), (self.held,)


class WebhookInvalid(CxError):
    """The webhook did not ring from this exchange, or not just now."""

    code = "webhook"


class PinMismatch(CxError):
    """The exchange's description is not vouched for by what is pinned; nothing was changed."""

    code = "pins.mismatch"
