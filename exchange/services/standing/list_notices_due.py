"""List notices that a member owes its borrowers after a listing, where the profile asks for them.

Owed from the day on which the running arrear was first told; settled by a row that carries a notice
sent since. Source: days by profile; records.md, 11.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from exchange.crypto.sealing import record_aad, unpad
from exchange.domain.lists.pages import Page, PageAsk, page_of
from exchange.domain.records import decode_payload, today_in
from exchange.domain.rows.notices import owed_until
from exchange.services.ports import Ports
from exchange.services.standing.ports import ListedAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDue:
    """A notice that is owed."""

    account_ref: str
    listed_on: date
    due_on: date
    overdue: bool


def list_notices_due(member: str, ask: PageAsk, ports: Ports) -> Page[NoticeDue]:
    """List a page of the member's overdue accounts, those alone whose borrower is to be told.

    A page may hold fewer than were asked for, or none, and there may be more behind it.

    Raises:
        IntegrityError: a record does not open.
    """
    with ports.begin() as work:
        found = work.standing.listed_overdue(member, ask.after or "", ask.fetch)
    page = page_of(found, ask, lambda account: account.account_ref)
    owed = (_owed(account, member, ports) for account in page.rows)
    return Page(rows=tuple(one for one in owed if one), next=page.next)


def _owed(account: ListedAccount, member: str, ports: Ports) -> NoticeDue | None:
    profile = ports.terms.profile
    aad = record_aad(account.record_id.bytes, account.version, member, account.epoch)
    key = ports.sealer.open_key(account.kek_id, account.wrapped, aad)
    kept = decode_payload(unpad(key.open(account.sealed, aad)))
    due_on = owed_until(kept, account.listed_at, profile)
    if due_on is None:
        return None
    return NoticeDue(
        account_ref=account.account_ref,
        listed_on=today_in(profile.timezone, account.listed_at),
        due_on=due_on,
        overdue=today_in(profile.timezone, ports.now()) > due_on,
    )
