"""Enrol and retire operators: each an `admin` leaf with the key, so that words can be checked.

The first two are enrolled by whoever sets the exchange up; from then on it takes two of them, and
there are never fewer than two again: an exchange that one person could bring back to its first day
would be that person's.
"""

from __future__ import annotations

from exchange.crypto.public_keys import possession_text, public_key_of, signature_holds
from exchange.domain.base64url import b64url
from exchange.domain.ids import member_id
from exchange.domain.leaves import JsonValue
from exchange.domain.members import Algorithm
from exchange.domain.operators import OPERATORS_MIN, Operator
from exchange.errors import AbsentError, MemberConflict, SecondPerson, UnprovenKey
from exchange.services.log.write_leaves import LeafDraft, write_leaves
from exchange.services.operators.take_words import live
from exchange.services.ports import Ports, Work


def check_operator(operator: Operator, proof: bytes, ports: Ports) -> None:
    """Refuse a key that is weak, or that nobody showed to hold.

    Raises:
        InvalidField: the name is none. WeakKey, UnprovenKey: the key is.
    """
    member_id(operator.name)
    key = public_key_of(Algorithm.ED25519, operator.public_key)
    text = possession_text(
        ports.terms.issuer, operator.keyid, Algorithm.ED25519, operator.public_key
    )
    if not signature_holds(key, proof, text):
        raise UnprovenKey("`cx init --exchange ID` makes the proof, for this exchange")


def enrol_first(operator: Operator, proof: bytes, ports: Ports) -> None:
    """Enrol one of the first two operators.

    Raises:
        SecondPerson: there are two already: it takes them.
        MemberConflict, InvalidField, WeakKey, UnprovenKey: as in `check_operator`, `enrol_within`.
    """
    check_operator(operator, proof, ports)
    with ports.begin() as work:
        work.operators.lock()
        if len(live(work)) >= OPERATORS_MIN:
            raise SecondPerson("two operators stand: one proposes, another approves")
        enrol_within(work, operator, (), ports)
        work.commit()


def enrol_within(work: Work, operator: Operator, approvers: tuple[str, ...], ports: Ports) -> None:
    """Enrol an operator within a unit of work.

    Raises:
        MemberConflict: the person has a live key, or the key is enrolled already.
    """
    work.operators.lock()
    for one in work.operators.all():
        lives = one.retired_at is None and one.name == operator.name
        if lives or one.public_key == operator.public_key or one.keyid == operator.keyid:
            raise MemberConflict("the person has a live key, or this key was used", field="key")
    if not work.operators.add(operator):
        raise MemberConflict("this key was enrolled a moment ago", field="key")
    _log(
        "operator_added", f"{operator.keyid} {b64url(operator.public_key)}", approvers, work, ports
    )


def retire_within(work: Work, name: str, approvers: tuple[str, ...], ports: Ports) -> None:
    """Retire an operator within a unit of work.

    Raises:
        AbsentError: there is no such operator. SecondPerson: only two would not be left.
    """
    work.operators.lock()
    standing = [one for one in live(work) if one.name == name]
    if not standing:
        raise AbsentError("no such operator", field="operator")
    if len(live(work)) <= OPERATORS_MIN:
        raise SecondPerson("two must be left: enrol another one first", field="operator")
    work.operators.retire(name, ports.now())
    _log("operator_retired", standing[0].keyid, approvers, work, ports)


def list_operators(ports: Ports) -> list[Operator]:
    """List every operator's keys."""
    with ports.begin() as work:
        return work.operators.all()


def _log(event: str, key: str, approvers: tuple[str, ...], work: Work, ports: Ports) -> None:
    audit: dict[str, JsonValue] = {"key": key}
    if approvers:
        audit["approvers"] = list(approvers)
    draft = LeafDraft(kind="admin", member="", subject_slot={"event": event}, audit_slot=audit)
    write_leaves(work, [draft], ports, ports.now())
