"""Judge what the gate found out about the asker and the log, before anything is answered.

Out: nothing, or the error that undoes the transaction: no leaf, no use, no look.
"""

from __future__ import annotations

from exchange.errors import LogDisagrees, LogLate, QuotaError, ReplayedRequest, SignatureError
from exchange.services.ports import Ports
from exchange.services.queries.ports import GatePass

_QUOTAS = {  # by the store's word: what is used up, and how long a period lasts
    "operator": ("the queries of this operator and hour are spent", 3_600),
    "subject": ("the queries about this subject are spent for the day", 86_400),
    "member": ("the member's queries of this day are spent", 86_400),
}


def check_gate(passed: GatePass, ports: Ports, now: int) -> None:
    """Refuse a pass that no answer may follow.

    Raises:
        ReplayedRequest: the nonce was used before.
        SignatureError: the key was revoked, or the member suspended, a moment ago.
        LogLate: the log is not sequenced up to now; no evidence, no answers.
        LogDisagrees: the checkpoint named in `after` is not one of this log's.
        QuotaError: the member's looks of the day at a subject are used up.
    """
    if not passed.nonce_fresh:
        raise ReplayedRequest("sign a new request, with a new nonce")
    if not passed.key_live:
        raise SignatureError
    # As far ahead says as little: a sequencer whose clock ran ahead and that then died.
    if abs(now - passed.covered_until) > ports.terms.log_late_seconds_max:
        raise LogLate("the access log is late; ask again soon")
    if not passed.after_agrees:
        raise LogDisagrees("the checkpoint in after is not one of this log's", field="after")
    if passed.subject_spent:
        raise quota_error("subject", now)


def quota_error(spent: str, now: int) -> QuotaError:
    """Say whose queries are used up, and when there are new ones.

    Args:
        spent: `operator`, `subject` or `member`.
    """
    what, seconds = _QUOTAS[spent]
    return QuotaError(what, retry_after_seconds=seconds - now % seconds)
