"""Change the membership by two people: one operator proposes, another approves.

In:  a change, and who wants it. A key comes with a proof that its owner holds the private half.
Out: a proposal; with the second person's approval the change itself, an `admin` leaf that holds
     what both signed under their enrolled keys.
A key is approved with the fingerprint that the member read back over another channel: whoever
slipped another key under the proposal cannot know which one the member will read out.
Suspending, retiring and revoking stay one person's act: what protects must not wait.
Source: security.md, T3 and 9 (ASVS 2.3.5).
"""

from __future__ import annotations

import hmac
from typing import cast
from uuid import UUID

from exchange.crypto.keyring import fingerprint
from exchange.crypto.public_keys import possession_text, public_key_of, signature_holds
from exchange.domain.base64url import unb64url
from exchange.domain.ids import parse, show
from exchange.domain.members import Algorithm, Member, MemberStatus, NewKey, Role
from exchange.domain.operators import Operator, Word, read_word
from exchange.errors import AbsentError, InvalidField, OperatorUnknown, UnprovenKey
from exchange.services.members.manage_members import (
    Approvers,
    add_key_within,
    check_member,
    enrol_within,
    set_roles_within,
    set_standing_within,
)
from exchange.services.members.ports import Change, ChangeKind, Proposal
from exchange.services.members.profile_in_force import set_profile_within
from exchange.services.operators.manage_operators import check_operator
from exchange.services.operators.manage_operators import enrol_within as enrol_operator
from exchange.services.operators.manage_operators import retire_within as retire_operator
from exchange.services.operators.take_words import check_two, check_word
from exchange.services.ports import Ports, Work

PREFIX = "prp"
KEYED = frozenset({ChangeKind.KEY, ChangeKind.OPERATOR_ADD})
_DAY_SECONDS = 86_400


def propose_change(change: Change, word: Word, ports: Ports, *, days: int) -> Proposal:
    """Store what one operator wants; nothing else changes yet.

    Args:
        change: what to change.
        word: the operator's, under a fresh id of the proposal.
        ports: to the store.
        days: after so many days the proposal lapses.

    Raises:
        WeakKey, UnprovenKey, InvalidField: it could not be carried out.
        OperatorUnknown: no live key of an operator signed it.
    """
    _check(change, ports)
    now = ports.now()
    proposal = Proposal(
        proposal_id=parse(PREFIX, word.of, field="proposal"),
        change=change,
        proposed_by=word.line(),
        proposed_at=now,
        lapses_at=now + days * _DAY_SECONDS,
    )
    with ports.begin() as work:
        check_word(word, word.of, change.digest, work, ports)
        work.members.add_proposal(proposal)
        work.commit()
    return proposal


def approve_change(word: Word, read_back: str, ports: Ports) -> Change:
    """Carry out a proposal as the second person.

    Args:
        word: the second operator's, under the proposal's id.
        read_back: of a key, the fingerprint that the member read out; else not looked at.
        ports: to the store.

    Raises:
        AbsentError: it is not there, was approved already, or has lapsed.
        OperatorUnknown: one of the two did not sign this very change, or is retired since.
        SecondPerson: the same operator, or the same key, proposed it.
        InvalidField: the fingerprint is another one.
    """
    with ports.begin() as work:
        # Nobody is retired between here and the commit.
        work.operators.lock()
        proposal_id = parse(PREFIX, word.of, field="proposal")
        proposal = work.members.approve(proposal_id, word.line(), ports.now())
        if proposal is None:
            raise AbsentError("no such proposal waits", field="proposal")
        words = (_word(proposal), word)
        check_two(words, show(PREFIX, proposal_id), proposal.change.digest, work, ports)
        _check_read_back(proposal.change, read_back)
        carry_out(work, proposal.change, (words[0].line(), words[1].line()), ports)
        work.commit()
    return proposal.change


def change_alone(change: Change, ports: Ports) -> None:
    """Carry out a change at once, in a sandbox where one person suffices."""
    _check(change, ports)
    with ports.begin() as work:
        carry_out(work, change, (), ports)
        work.commit()


def list_proposals(ports: Ports) -> list[Proposal]:
    """List what waits for a second person."""
    with ports.begin() as work:
        return work.members.proposals(ports.now())


def find_proposal(proposal_id: UUID, ports: Ports) -> Proposal:
    """Return a proposal that waits.

    Raises:
        AbsentError: it is not there, was approved already, or has lapsed.
    """
    for one in list_proposals(ports):
        if one.proposal_id == proposal_id:
            return one
    raise AbsentError("no such proposal waits", field="proposal")


def carry_out(work: Work, change: Change, approvers: Approvers, ports: Ports) -> None:
    """Do what a change says, within a unit of work."""
    match change.kind:
        case ChangeKind.ENROL:
            enrol_within(work, _member(change), approvers, ports)
        case ChangeKind.ROLES:
            set_roles_within(work, change.member, _roles(change), approvers, ports)
        case ChangeKind.KEY:
            add_key_within(work, change.member, _key(change, ports.now()), approvers, ports)
        case ChangeKind.REACTIVATE:
            active = MemberStatus.ACTIVE
            set_standing_within(work, change.member, active, approvers, ports)
        case ChangeKind.PROFILE:
            set_profile_within(work, change.details, approvers, ports)
        case ChangeKind.OPERATOR_ADD:
            enrol_operator(work, _operator(change, ports.now()), approvers, ports)
        case ChangeKind.OPERATOR_RETIRE:
            retire_operator(work, change.member, approvers, ports)


def fingerprint_of(change: Change) -> str:
    """Return the fingerprint of the key that a change would register, "" for other changes."""
    if change.kind not in KEYED:
        return ""
    return fingerprint(unb64url(str(change.details["public_key"])))


def _check(change: Change, ports: Ports) -> None:
    """Refuse now what could not be carried out later."""
    if change.kind is ChangeKind.ENROL:
        check_member(_member(change), ports)
    if change.kind is ChangeKind.OPERATOR_ADD:
        proof = unb64url(str(change.details["proof"]))
        check_operator(_operator(change, ports.now()), proof, ports)
    if change.kind is ChangeKind.KEY:
        new = _key(change, ports.now())
        text = possession_text(
            ports.terms.issuer, f"{change.member}/{new.key}", new.algorithm, new.public_key
        )
        proof = unb64url(str(change.details["proof"]))
        if not signature_holds(public_key_of(new.algorithm, new.public_key), proof, text):
            raise UnprovenKey("`cx key prove` makes the proof, for this exchange", field="proof")


def _check_read_back(change: Change, read_back: str) -> None:
    wanted = fingerprint_of(change)
    if wanted and not hmac.compare_digest(_bare(wanted), _bare(read_back)):
        raise InvalidField(
            "must be what the member read out, and is not this key's", field="fingerprint"
        )


def _bare(text: str) -> bytes:
    return "".join(text.lower().split()).encode()


def _word(proposal: Proposal) -> Word:
    try:
        return read_word(proposal.proposed_by)
    except ValueError:  # Of the time before operators had keys.
        raise OperatorUnknown("nobody signed this proposal; make it anew", field="by") from None


def _operator(change: Change, now: int) -> Operator:
    details = change.details
    return Operator(
        name=change.member,
        key=str(details["key"]),
        public_key=unb64url(str(details["public_key"])),
        enrolled_at=now,
        retired_at=None,
    )


def _member(change: Change) -> Member:
    details = cast("dict[str, str]", change.details)
    return Member(
        member=change.member,
        name=details["name"],
        contact=details["contact"],
        status=MemberStatus.ACTIVE,
        roles=_roles(change),
        zone=details["zone"],
        profile=details["profile"],
    )


def _roles(change: Change) -> frozenset[Role]:
    return frozenset(Role(one) for one in cast("list[str]", change.details["roles"]))


def _key(change: Change, now: int) -> NewKey:
    details = change.details
    return NewKey(
        key=str(details["key"]),
        algorithm=Algorithm(str(details["algorithm"])),
        public_key=unb64url(str(details["public_key"])),
        not_before=now,
        not_after=now + cast("int", details["days"]) * _DAY_SECONDS,
    )
