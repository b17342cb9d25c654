"""Enter an artefact into the registry: verified once, so that each use is checked cheaply.

In:  the artefact as the member signed it, the subject's current token, and an open unit of work.
Out: the grant, bound to the token's index; the artefact kept byte for byte, and a leaf.
Order: form, key, signature, schema, cross-field rules, policy, notice, withdrawal rule, evidence,
claim; the first that fails refuses and nothing stays. An id that is registered already is answered
before the notice: what was approved then may be retired now. Source: consent.md, 6.
Not here: the transaction's end (register_grant.py, request_grant.py, and a query's own).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from consent.artefact import Artefact
from consent.claims import ArtefactRefused, Step
from consent.grants import Actor, GrantEvent, GrantState, answer_by, next_state
from consent.notices import check_notice
from consent.terms import check_policy, hold
from exchange.domain.ids import parse
from exchange.domain.outward.statuses import draw_places
from exchange.domain.queries import Asker
from exchange.errors import GrantConflict
from exchange.services.grants.ports import NewGrant, StoredGrant
from exchange.services.grants.read_artefact import parse_sent, read_sent
from exchange.services.grants.show_grant import Standing, standing
from exchange.services.grants.supersede_grant import find_superseded, supersede
from exchange.services.grants.write_events import Change, event_row, write_event_leaf
from exchange.services.notices.ports import NoticeKey
from exchange.services.ports import Ports, Work

_ATTESTED = 1  # the level that a member registers by itself
_COSIGNED = 2  # the borrower signs: requested first


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An artefact as it was sent, and the token that it is to be bound to."""

    artefact: str  # compact JWS
    epoch: str
    token_index: bytes


def enter_grant(
    entry: Entry, event: GrantEvent, caller: Asker, work: Work, ports: Ports
) -> Standing:
    """Register an artefact, or request the borrower's answer to it, within a unit of work.

    Args:
        event: REGISTER or REQUEST.

    Raises:
        ArtefactRefused: at the first step that fails.
        GrantConflict: the id was registered from other bytes or for another token, or meanwhile.
        GrantTransition: the grant that it supersedes is not active.
    """
    now = ports.now()
    parsed = parse_sent(entry.artefact, caller.member)
    artefact = read_sent(parsed, caller.member, work, ports, now)
    check_policy(artefact, ports.terms.profile, caller.roles)
    _check_level(artefact, event)
    grant = _new_grant(artefact, entry, event, parsed.kid, ports)
    if stored := work.grants.find(caller.member, grant.grant_id):
        return _replayed(stored, grant, work, now)
    shown = artefact.notice
    registered = work.notices.registered(NoticeKey(shown.id, shown.version, shown.lang))
    check_notice(artefact, registered, now)
    old = find_superseded(artefact, entry.token_index, work, now)
    if old:
        grant = grant._replace(chain_id=old.chain_id)
    change = Change(event=event, actor=Actor.GRANTEE, acted_at=artefact.iat, by=parsed.kid)
    leaf_hash = write_event_leaf(grant, change, work, ports)
    # The leaf raised the subject's counter, which holds off a withdrawal until we commit.
    _check_withdrawal(artefact, grant, work)
    # A race for the id shows before its evidence.
    place = work.grants.register(grant, leaf_hash, now)
    _claim_evidence(artefact, grant, work)
    work.grants.add_event(event_row(grant, change, grant.held.state, leaf_hash, ports))
    if old and event is GrantEvent.REGISTER:
        supersede(old, grant.kid, work, ports)
    return standing(grant.stored(leaf_hash, place, now), now)


def _check_level(artefact: Artefact, event: GrantEvent) -> None:
    wanted = _ATTESTED if event is GrantEvent.REGISTER else _COSIGNED
    if artefact.evidence.level != wanted:
        expected = (
            "above 1 the borrower must sign first" if wanted == _ATTESTED else "must be 2 here"
        )
        raise ArtefactRefused(Step.POLICY, "evidence/level", expected)


def _new_grant(
    artefact: Artefact, entry: Entry, event: GrantEvent, kid: str, ports: Ports
) -> NewGrant:
    kept = entry.artefact.encode("ascii")
    held = hold(artefact, next_state(None, event, Actor.GRANTEE))
    if held.state is GrantState.REQUESTED:
        held = replace(held, expires=answer_by(held.expires, ports.now()))
    grant_id = parse("gnt", artefact.jti, field="artefact")
    return NewGrant(
        grant_id=grant_id,
        token_index=entry.token_index,
        epoch=entry.epoch,
        held=held,
        artefact=kept,
        digest=hashlib.sha256(kept).digest(),
        kid=kid,
        policy=ports.terms.profile.ref,
        chain_id=grant_id,
        status_draws=tuple(draw_places(ports.random_bytes)),
    )


def _replayed(stored: StoredGrant, grant: NewGrant, work: Work, now: int) -> Standing:
    bound = work.grants.bindings(grant.held.grantee, grant.grant_id)
    if stored.digest != grant.digest or (grant.epoch, grant.token_index) not in bound:
        raise GrantConflict("this id is registered otherwise", field="artefact")
    return standing(stored, now, replayed=True)


def _check_withdrawal(artefact: Artefact, grant: NewGrant, work: Work) -> None:
    withdrawn = work.grants.withdrawn_at(grant.token_index, grant.held.grantee, artefact.purpose)
    if withdrawn is not None and artefact.iat <= withdrawn:
        raise ArtefactRefused(Step.AFTER_WITHDRAWAL, "iat", "must follow the subject's withdrawal")


def _claim_evidence(artefact: Artefact, grant: NewGrant, work: Work) -> None:
    sha256 = artefact.evidence.sha256
    if sha256 and not work.grants.claim_evidence(grant, sha256, artefact.bundle or ""):
        expected = "stands behind another grant, and not in one bundle of one subject"
        raise ArtefactRefused(Step.EVIDENCE, "evidence/sha256", expected)
