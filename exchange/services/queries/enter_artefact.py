"""Register the artefact that came with a query, in the query's own transaction.

In:  the query, who asks, and an open unit of work.
Out: the query as it stands then: with its grant, or with the reason why the artefact is not taken.
A broken form, key, signature or member is an error; what policy or registry do not take is a
refusal, and so a result with a leaf. Source: consent.md, 7.
"""

from __future__ import annotations

import hashlib

from msgspec.structs import replace

from consent.claims import ArtefactRefused
from consent.grants import GrantEvent
from consent.terms import artefact_reason
from exchange.domain.queries import Asker, Query, RefusedArtefact
from exchange.services.grants.enter_grant import Entry, enter_grant
from exchange.services.grants.read_artefact import problem
from exchange.services.ports import Ports, Work


def enter_artefact(query: Query, asker: Asker, work: Work, ports: Ports) -> Query:
    """Return the query with the grant that its artefact became; one without an artefact as it is.

    Raises:
        InvalidGrant: what came is no artefact of this member.
        GrantConflict: its id was registered before from other bytes, or for another subject.
        GrantTransition: the grant that it supersedes is not active.
    """
    if query.artefact is None or work.queries.stored_answer(asker.member, query.query_id):
        return query  # Answered before: that answer stands, and nothing is registered.
    index = ports.keyring.index(query.epoch, query.tokens[0].value)
    entry = Entry(artefact=query.artefact, epoch=query.epoch, token_index=index)
    try:
        with work.attempt():
            entered = enter_grant(entry, GrantEvent.REGISTER, asker, work, ports)
    except ArtefactRefused as refusal:
        reason = artefact_reason(refusal)
        if reason is None:
            raise problem(refusal) from refusal
        digest = hashlib.sha256(query.artefact.encode("ascii")).digest()
        refused = RefusedArtefact(reason=reason, step=refusal.step, sha256=digest)
        return replace(query, refused=refused)
    return replace(query, grant_id=entered.grant.grant_id)
