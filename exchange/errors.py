"""The error tree: every error the exchange may show, with a stable code and no HTTP.

    ExchangeError
    ├── FormError            the bytes are not what the format asks for
    ├── SignatureError       who sent it cannot be established
    ├── RoleError            who sent it is known and may not do this
    ├── AbsentError          absent, or not yours: the same answer
    ├── ConflictError        replayed, or used before for something else
    ├── RuleError            well-formed, but a field or a rule refuses it
    ├── TransportError       too large, wrong media type, wrong method, no length
    ├── QuotaError           too much in too short a time
    ├── UnavailableError     evidence late, or something we depend on is down
    ├── IntegrityError       stored bytes are not what was stored: alarm, never an answer
    └── InternalError        a fault of ours that no other type names: alarm, nothing is told

The code is API and never changes. The docstring is the public title. The message says what was
found and what was expected, and holds no value of a subject, no secret, no status code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One refused field: where it is (a JSON pointer), the rule's code, and what was expected."""

    pointer: str
    code: str
    detail: str


class ExchangeError(Exception):
    """The exchange refused the request."""

    code: ClassVar[str] = "exchange.error"
    retryable: ClassVar[bool] = False

    def __init__(
        self, message: str = "", *, field: str | None = None, faults: tuple[Fault, ...] = ()
    ) -> None:
        super().__init__(message or type(self).__doc__ or self.code)
        self.faults = faults or (
            (Fault(f"/{field}", self.code, str(self)),) if field is not None else ()
        )


class FormError(ExchangeError):
    """The request is not in the form this format asks for."""

    code = "request.form"


class DuplicateField(FormError):
    """A JSON object names a member twice."""

    code = "request.duplicate_field"


class DuplicateHeader(FormError):
    """A header that may stand once stands twice."""

    code = "request.duplicate_header"


class InvalidCursor(FormError):
    """The cursor was not issued for this member and filter, or is too old."""

    code = "request.cursor"


class TruncatedBatch(FormError):
    """The batch ends before its trailer."""

    code = "batch.truncated"


class InvalidNote(FormError):
    """The bytes are no signed note, checkpoint, key or proof in the form C2SP gives it."""

    code = "log.note"


class InvalidProof(FormError):
    """The proof does not show what it should show about the tree."""

    code = "log.proof"


class SignatureError(ExchangeError):
    """The request's signature does not establish who sent it."""

    code = "auth.signature"


class UncoveredRequest(SignatureError):
    """The signature does not cover what this protocol asks it to cover."""

    code = "auth.coverage"


class StaleRequest(SignatureError):
    """The signature's time lies outside the window this exchange accepts."""

    code = "auth.stale"


class DigestMismatch(SignatureError):
    """The content digest is absent, of another algorithm, or not that of the body."""

    code = "auth.digest"


class PasskeyRefused(SignatureError):
    """The passkey's answer does not establish who acts, or for which site and text."""

    code = "auth.passkey"


class SessionError(SignatureError):
    """There is no such session, or it has ended: open the link or sign in anew."""

    code = "auth.session"


class ForgedForm(SignatureError):
    """The form does not come from a page of this site and session."""

    code = "auth.form"


class RoleError(ExchangeError):
    """This member does not hold the role that this route asks for."""

    code = "auth.role"


class SubjectClosed(RoleError):
    """This pseudonym was not released to this authority, or too long ago."""

    code = "audit.subject_closed"


class SecondPersonNeeded(RoleError):
    """Whoever asked for this cannot release it: a second person does."""

    code = "audit.second_person"


class SecondPerson(RoleError):
    """It takes a second person: whoever proposed a change cannot approve it."""

    code = "member.second_person"


class OperatorUnknown(RoleError):
    """This is no operator's word: no live enrolled key signed this very change."""

    code = "member.operator"


class AbsentError(ExchangeError):
    """There is no such thing, or it is not yours."""

    code = "absent"


class LinkError(AbsentError):
    """The link was used, has ended, or never was: ask for a new one."""

    code = "grant.link"


class ConflictError(ExchangeError):
    """The request disagrees with what is stored."""

    code = "conflict"


class ReplayedRequest(ConflictError):
    """This nonce was used before; sign a new request."""

    code = "auth.replayed"


class QueryConflict(ConflictError):
    """This query id was used before for another question."""

    code = "query.conflict"


class DisbursementConflict(ConflictError):
    """This disbursement id was used before for another loan."""

    code = "disbursement.conflict"


class BatchConflict(ConflictError):
    """This batch id was used before for another file."""

    code = "batch.conflict"


class BatchOffset(ConflictError):
    """The upload goes on at another offset."""

    code = "batch.offset"


class GrantConflict(ConflictError):
    """This grant id was used before for another artefact."""

    code = "grant.conflict"


class NoticeConflict(ConflictError):
    """The registry of notices holds something that this contradicts."""

    code = "notice.conflict"


class GrantTransition(ConflictError):
    """The grant's state does not allow this event."""

    code = "grant.transition"


class DisputeConflict(ConflictError):
    """This dispute id was used before, or another dispute runs about the record."""

    code = "dispute.conflict"


class DisputeTransition(ConflictError):
    """The dispute's state, or whoever asks, does not allow this step."""

    code = "dispute.transition"


class PurgeRunning(ConflictError):
    """Another purge is under way; this one did nothing."""

    code = "purge.running"


class StatementConflict(ConflictError):
    """This statement id was used before for another text."""

    code = "statement.conflict"


class RecordConflict(ConflictError):
    """The stored record disagrees with this one."""

    code = "record.conflict"


class ClosedEpoch(ConflictError):
    """The token epoch named is not open."""

    code = "token.epoch"


class LogDisagrees(ConflictError):
    """The checkpoint named is not one of this log's: keep both notes, they prove a fork."""

    code = "log.disagrees"


class WebhookConflict(ConflictError):
    """This webhook id was used before for another URL."""

    code = "webhook.conflict"


class WatchConflict(ConflictError):
    """This watch id was used before for another watch."""

    code = "watch.conflict"


class WatchEnded(ConflictError):
    """The watch has ended: ask for another one, under another id."""

    code = "watch.ended"


class MemberConflict(ConflictError):
    """A member or key of this name exists already."""

    code = "member.conflict"


class RuleError(ExchangeError):
    """A field or a rule refuses the request."""

    code = "request.rule"


class InvalidField(RuleError):
    """A field has the wrong type, length, range or pattern."""

    code = "request.field"


class InvalidEndpoint(RuleError):
    """The URL is none that this exchange may ring at."""

    code = "webhook.url"


class TooManyWebhooks(RuleError):
    """The member has as many webhooks as it may have."""

    code = "webhook.too_many"


class InvalidWatch(RuleError):
    """The watch is refused: its account, tokens, grant or kinds do not bear it."""

    code = "watch.rule"


class TooManyWatches(RuleError):
    """The member has as many watches as it may have."""

    code = "watch.too_many"


class InvalidToken(RuleError):
    """A token or blinded element is not canonical, or is the identity."""

    code = "token.element"


class InvalidRecord(RuleError):
    """A record row breaks a rule of the format."""

    code = "row.rule"


class InvalidBatch(RuleError):
    """The batch's header, trailer or totals refuse it."""

    code = "batch.rule"


class ControlTotal(InvalidBatch):
    """The batch's control totals do not match its rows."""

    code = "batch.control_total"


class FaultShare(InvalidBatch):
    """Too many rows of the batch are faulty: nothing was stored."""

    code = "batch.fault_share"


class AbandonedBatch(InvalidBatch):
    """Every try to work the file off has failed."""

    code = "batch.abandoned"


class InvalidGrant(RuleError):
    """The grant artefact is refused, and nothing is stored."""

    code = "grant.rule"


class GrantForm(InvalidGrant):
    """The artefact is not one compact JWS of the kind, size and spelling expected."""

    code = "grant.form"


class GrantKey(InvalidGrant):
    """The artefact's key is not one of this member's that was live when it was issued."""

    code = "grant.key"


class GrantSignature(InvalidGrant):
    """The artefact's signature does not hold under its key."""

    code = "grant.signature"


class GrantSchema(InvalidGrant):
    """A member of the artefact is missing, unknown, or not what it must be."""

    code = "grant.schema"


class GrantCrossField(InvalidGrant):
    """Members of the artefact contradict each other, its signer, this exchange or the time."""

    code = "grant.cross_field"


class GrantPolicy(InvalidGrant):
    """The profile's policy does not take this grant from this member."""

    code = "grant.policy"


class GrantAfterWithdrawal(InvalidGrant):
    """The subject withdrew from this member and purpose after the artefact was issued."""

    code = "grant.after_withdrawal"


class GrantNotice(InvalidGrant):
    """The notice that the artefact names is not one that the borrower could be shown."""

    code = "grant.notice"


class GrantEvidence(InvalidGrant):
    """The evidence stands behind another grant, not in one bundle; or it is another one's."""

    code = "grant.evidence"


class InvalidNotice(RuleError):
    """The notice is refused, and nothing is stored."""

    code = "notice.rule"


class InvalidPayload(RuleError):
    """A payload of the access log has a value that has no canonical form."""

    code = "log.payload"


class UnprovenKey(RuleError):
    """The proof does not show that its sender holds the private half of the key."""

    code = "key.unproven"


class WeakKey(RuleError):
    """The public key is not a strong key of an accepted algorithm."""

    code = "key.weak"


class TransportError(ExchangeError):
    """The transport of the request is not one this exchange takes."""

    code = "request.transport"


class TooLarge(TransportError):
    """The request is larger than its limit."""

    code = "request.too_large"


class RequestTimeout(TransportError):
    """The client paused too long in the middle of its request."""

    code = "request.timeout"


class WrongMediaType(TransportError):
    """The media type or content encoding is not the one this route takes."""

    code = "request.media_type"


class LengthRequired(TransportError):
    """A body needs a Content-Length."""

    code = "request.length"


class MethodNotAllowed(TransportError):
    """This resource does not take this method."""

    code = "request.method"


class QuotaError(ExchangeError):
    """The quota is spent; Retry-After says when it opens again."""

    code = "quota.spent"
    retryable = True

    def __init__(self, message: str = "", *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnavailableError(ExchangeError):
    """A part the exchange needs is not available; nothing was done."""

    code = "exchange.unavailable"
    retryable = True
    retry_after_seconds: ClassVar[int] = 2


class LogLate(UnavailableError):
    """The access log is late: no evidence, no answers."""

    code = "log.late"


class IntegrityError(ExchangeError):
    """Stored bytes failed their integrity check; no answer is given."""

    code = "exchange.integrity"


class LogDamaged(IntegrityError):
    """The stored access log is not the one that was signed; nothing more is signed."""

    code = "log.damaged"


class TileDamaged(LogDamaged):
    """A stored tile of the access log is not what its leaves make."""

    code = "log.tile_damaged"


class LogRolledBack(IntegrityError):
    """The stored access log is older than, or another than, one that was already signed."""

    code = "log.rolled_back"


class InternalError(ExchangeError):
    """Something failed inside the exchange; the request id finds it in the log."""

    code = "exchange.internal"


class SettingsError(ExchangeError):
    """The configuration is refused; every fault is listed."""

    code = "settings.fault"


class LaunchError(ExchangeError):
    """A process this command needs could not be started."""

    code = "launch.fault"
