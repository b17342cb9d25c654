"""Search the log for an authority: rows by index, and the leaf of the search itself.

The rows of all pages lie below one checkpoint, which the first page fixes: leaves that come while
somebody pages change neither the rows nor their number. Filters run over an index that the
exchange keeps, so a search proves nothing about what it does not show; only an export does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from exchange.domain.audit.events import audit_event
from exchange.domain.audit.filters import AuditFilter, Position
from exchange.domain.base64url import b64url
from exchange.domain.leaves import JsonValue
from exchange.domain.lists.pages import Page, PageAsk, page_of
from exchange.domain.queries import Asker
from exchange.errors import AbsentError, SubjectClosed
from exchange.services.audit.log_access import Access, log_access
from exchange.services.audit.open_leaves import OpenLeaf, open_leaves
from exchange.services.audit.ports import (
    QUORUM_SECONDS_MAX,
    AuditPorts,
    AuditWork,
    Released,
    SearchTerms,
    SignedCheckpoint,
)
from exchange.services.audit.prove_row import prove_row
from exchange.services.log.ports import LogRef


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAsk:
    """One page of a search."""

    origin: str
    filter: AuditFilter
    page: PageAsk
    proofs: bool  # a `.tlog-proof` with each row


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of rows, how many there are in all, and the checkpoint they reflect."""

    page: Page[dict[str, JsonValue]]
    total: int
    checkpoint: SignedCheckpoint


def search_entries(ask: SearchAsk, asker: Asker, audit_ports: AuditPorts) -> Found:
    """Return one page of a search, and log that it was read.

    Raises:
        AbsentError: there is no such log. SubjectClosed: the pseudonym was not released.
        IntegrityError: an opening is not what its leaf commits to.
    """
    ports = audit_ports.ports
    now = ports.now()
    with audit_ports.begin() as work:
        log = work.audit.find_log(ask.origin)
        if log is None:
            raise AbsentError
        released = _released(work, ask.filter, asker, now - audit_ports.opening_life_seconds)
        terms = _terms(work, log, ask.filter, audit_ports)
        start, checkpoint = _start(work, log, terms, ask.page, now)
        leaves = work.audit.search(
            log.log_id, terms, after=start.after, size=start.size, rows=ask.page.fetch
        )
        opened = open_leaves(log.origin, leaves, ports)
        page = page_of(opened, ask.page, lambda leaf: _position(leaf, start))
        rows = tuple(_row(leaf, work, log, checkpoint, ask) for leaf in page.rows)
        access = _access(ask, asker, len(rows))
        if released is not None and (released.embargo_until or 0) > now:
            # Its leaf is about the person: it must not tell before the opening may.
            access = replace(access, embargo_until=released.embargo_until)
        log_access(work, access, ports, now)
        work.commit()
    return Found(page=Page(rows=rows, next=page.next), total=start.total, checkpoint=checkpoint)


def _released(work: AuditWork, filter_: AuditFilter, asker: Asker, since: int) -> Released | None:
    """Return under which release a person is searched by; None: no person is named."""
    if filter_.subject is None:
        return None
    released = work.audit.released(asker.member, filter_.subject, since=since)
    if released is None:
        raise SubjectClosed(field="subject")
    return released


def _terms(
    work: AuditWork, log: LogRef, filter_: AuditFilter, audit_ports: AuditPorts
) -> SearchTerms:
    operator = filter_.operator
    mac = None if operator is None else audit_ports.ports.keyring.search_mac(operator)
    hits = None if filter_.flag is None else work.audit.flagged(log.log_id, filter_.flag)
    if filter_.index is not None:
        hits = [filter_.index] if hits is None or filter_.index in hits else []
    return SearchTerms(filter=filter_, operator_mac=mac, hits=hits)


def _start(
    work: AuditWork, log: LogRef, terms: SearchTerms, page: PageAsk, now: int
) -> tuple[Position, SignedCheckpoint]:
    if page.after is not None:
        start = Position.read(page.after)
        found = work.audit.checkpoint(log.log_id, start.size)
    else:
        found = work.audit.newest(log.log_id, since=now - QUORUM_SECONDS_MAX)
        size = found.size if found else 0
        total = work.audit.count(log.log_id, terms, size=size)
        start = Position(after=-1, size=size, total=total)
    if found is None:
        raise AbsentError("the log has no checkpoint yet")
    return start, found


def _position(leaf: OpenLeaf, start: Position) -> str:
    return Position(after=leaf.leaf_index, size=start.size, total=start.total).text()


def _row(
    leaf: OpenLeaf, work: AuditWork, log: LogRef, checkpoint: SignedCheckpoint, ask: SearchAsk
) -> dict[str, JsonValue]:
    row: dict[str, JsonValue] = {"index": leaf.leaf_index, "leaf": b64url(leaf.leaf_hash)}
    if leaf.opened is not None:
        opened = leaf.opened
        row |= audit_event(json.loads(opened.subject.payload), json.loads(opened.audit.payload))
        if ask.proofs:
            proof = prove_row(opened, leaf.leaf_index, log.log_id, checkpoint, work.tree)
            row["proof"] = proof.decode()
    return row


def _access(ask: SearchAsk, asker: Asker, rows: int) -> Access:
    filter_ = ask.filter
    return Access(
        asker=asker,
        what={"list": "entries", "log": ask.origin, **filter_.payload()},
        rows=rows,
        subjects=() if filter_.subject is None else (filter_.subject,),
    )
