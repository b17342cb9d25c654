"""The closed vocabulary of the access log: every kind of leaf, and what each of its slots must say.

In:  a kind and its two payloads, as a service wants to write them.
Out: nothing, or a refusal: a leaf that says too little is no evidence, one that says more than is
     written here tells somebody what nobody decided to tell.
Not here: verifiers. They check bytes and take any word; only our own writers are held to this list.

A new member of a payload is a decision about who may see it: subject slot for the borrower, the
member and the regulator, audit slot for the latter two. Source: log.md, 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from exchange.errors import InternalError


class Kind(StrEnum):
    """What a leaf is about."""

    QUERY = "query"
    GRANT = "grant"
    BATCH = "batch"
    RECORD = "record"
    DISBURSEMENT = "disbursement"
    WATCH = "watch"
    DISPUTE = "dispute"
    STATEMENT = "statement"
    CORRECTION = "correction"
    SUBJECT_ACCESS = "subject_access"
    REGULATOR_ACCESS = "regulator_access"
    USAGE = "usage"
    FLAG = "flag"
    ADMIN = "admin"
    ERASURE = "erasure"
    REPORT = "report"
    INDEX_ROOT = "index_root"
    LOG_OPEN = "log_open"
    LOG_CLOSE = "log_close"
    HEARTBEAT = "heartbeat"


_ABOUT = frozenset({"subject", "subject_seq"})  # S of log.md: whom it is about, and which look


@dataclass(frozen=True, slots=True)
class SlotForm:
    """The members that a slot must have, and those it may have."""

    must: frozenset[str]
    may: frozenset[str]

    def takes(self, members: Iterable[str]) -> bool:
        """Tell whether these are the members of a whole slot, and no others."""
        present = frozenset(members)
        return self.must <= present <= self.may


@dataclass(frozen=True, slots=True)
class Form:
    """What both slots of a kind hold."""

    subject: SlotForm
    audit: SlotForm


def _slot(must: str, may: str = "", *, common: str = "", about: bool | None = False) -> SlotForm:
    """Write a slot's form.

    Args:
        about: whether it is about a subject; None: it may be.
    """
    required = frozenset((must + " " + common).split()) | (_ABOUT if about else frozenset())
    allowed = required | frozenset(may.split()) | (_ABOUT if about is None else frozenset())
    return SlotForm(required, allowed)


def _form(
    subject: str, audit: str, *, may: str = "", subject_may: str = "", about: bool | None = False
) -> Form:
    return Form(
        _slot(subject, subject_may, common="kind t", about=about),
        _slot(audit, may),
    )


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        Kind.QUERY: _form(
            "member purpose outcome",
            "query request_sha256 key operator application reason policy",
            may="grant after artefact_sha256 step",
            about=True,
        ),
        Kind.GRANT: _form(
            "member purpose event",
            "grant artefact_sha256 level policy",
            may="key reason",
            subject_may="answers",
            about=True,
        ),
        Kind.BATCH: _form("member rows root", "batch request_sha256 key faults"),
        Kind.RECORD: _form(
            "member event", "account", may="request_sha256 key reason paid_at", about=True
        ),
        Kind.DISBURSEMENT: _form(
            "member", "disbursement account paid_at request_sha256 key", may="query", about=True
        ),
        Kind.WATCH: _form("member purpose event", "watch", may="grant reason", about=True),
        Kind.DISPUTE: _form("member event", "dispute", about=True),
        Kind.STATEMENT: _form("", "statement", about=True),
        Kind.CORRECTION: _form("of", "case reason", about=True),
        Kind.SUBJECT_ACCESS: _form("", "factor", about=True),
        Kind.REGULATOR_ACCESS: _form(
            "member", "user filter_sha256 rows", may="case embargo_until", about=None
        ),
        Kind.USAGE: _form("member day evaluations queries rows proofs", "", may="key"),
        # Of several members' looks, or of what the exchange itself did late, none is meant.
        Kind.FLAG: _form("rule from to", "hits parameters", subject_may="member"),
        Kind.ADMIN: _form(
            "event",
            "",
            subject_may="member",
            may="approvers before_sha256 after_sha256 key roles staff",
        ),
        Kind.ERASURE: _form("basis", "", may="case indices quarter rows root"),
        # Every record was opened for it; it is about nobody in particular.
        Kind.REPORT: _form("month rows", "report figures_sha256"),
        Kind.INDEX_ROOT: _form("day size subjects root", "rule"),
        Kind.LOG_OPEN: _form("", "previous"),
        Kind.LOG_CLOSE: _form("", ""),
        Kind.HEARTBEAT: _form("", ""),
    }
)


def check_payloads(kind: str, subject: Iterable[str], audit: Iterable[str]) -> None:
    """Refuse to write what is not of the vocabulary.

    Args:
        kind: what the leaf is about.
        subject: the names of the members of its subject slot.
        audit: the names of the members of its audit slot.

    Raises:
        InternalError: no such kind, or a slot has too few or too many members. It is a fault of
            the writing service, so nothing is written and somebody is told.
    """
    _check(kind, tuple(subject), tuple(audit))


@lru_cache(maxsize=1024)  # the few ways in which services write leaves, each looked at once
def _check(kind: str, subject: tuple[str, ...], audit: tuple[str, ...]) -> None:
    form = FORMS.get(kind)
    if form is None:
        raise InternalError(f"{kind}: no kind of leaf")
    for slot, taken, members in (("subject", form.subject, subject), ("audit", form.audit, audit)):
        if not taken.takes(members):
            lacks = sorted(taken.must.difference(members))
            beyond = sorted(frozenset(members) - taken.may)
            raise InternalError(
                f"{kind}: the {slot} slot lacks {lacks} and says {beyond} beyond its kind"
            )
