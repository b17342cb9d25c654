"""The leaf of a query, written at once: the same bytes as member by member."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from consent.claims import Step
from consent.decision import Reason
from consent.purposes import Detail, Purpose
from exchange.domain.leaves import JsonValue, canonical_json
from exchange.domain.log.kinds import check_payloads
from exchange.domain.log.query_leaf import Look, QueryLeaves
from exchange.domain.members import Role
from exchange.domain.queries import Asker, Query, RefusedArtefact, Token, TokenKind

ASKER = Asker(member="member-a", key="k1", nonce="n" * 22, roles=frozenset({Role.ASKER}))
NOW = 1_795_000_000
LOOK = Look(f"p:{'0a' * 16}", 3, "ADVERSE", "permitted", "cn@1")
GRANT = UUID("01930000-0000-7000-8000-00000000000a")
REFUSED = RefusedArtefact(reason=Reason.GRANT_LEVEL, step=next(iter(Step)), sha256=b"\x0b" * 32)
ROOT = "zb8AAAA+/w=="


def make_query(grant: UUID | None, refused: RefusedArtefact | None, after_size: int) -> Query:
    """Return a query with texts that JSON must escape, should a reader ever let them through."""
    return Query(
        query_id=UUID("01930000-0000-7000-8000-000000000001"),
        digest=bytes(range(32)),
        epoch="ep_1",
        tokens=(Token(kind=TokenKind.IDENTITY, value=bytes(64)),),
        purpose=Purpose.CREDIT_APPLICATION,
        grant_id=grant,
        operator='op "7"\\',
        application="借款\n1",
        detail=Detail.BANDS,
        after_size=after_size,
        after_root=ROOT if after_size else "",
        refused=refused,
    )


@pytest.mark.parametrize("after_size", [0, 70_000])
@pytest.mark.parametrize("refused", [None, REFUSED])
@pytest.mark.parametrize("grant", [None, GRANT])
def test_a_query_s_leaf_is_canonical_and_of_the_vocabulary(
    grant: UUID | None, refused: RefusedArtefact | None, after_size: int
) -> None:
    """An auditor's tool that writes the payload anew must come to the committed bytes."""
    query = make_query(grant, refused, after_size)

    said, audit = QueryLeaves(ASKER, NOW).payloads(query, LOOK)

    expected: dict[str, JsonValue] = {
        "query": "qry_01930000000070008000000000000001",
        "request_sha256": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "key": "member-a/k1",
        "operator": query.operator,
        "application": query.application,
        "reason": "permitted",
        "policy": "cn@1",
    }
    if grant:
        expected["grant"] = "gnt_0193000000007000800000000000000a"
    if refused:
        expected["artefact_sha256"] = "CwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCws="
        expected["step"] = refused.step.value
    if after_size:
        expected["after"] = {"size": after_size, "root": ROOT}
    assert canonical_json(expected) == audit
    assert b'{"kind":"query","member":"member-a","outcome":"ADVERSE",' in said
    assert canonical_json(json.loads(said)) == said
    assert {
        "purpose": "credit_application",
        "subject": LOOK.subject,
        "subject_seq": 3,
        "t": NOW,
    } == {name: json.loads(said)[name] for name in ("purpose", "subject", "subject_seq", "t")}
    check_payloads("query", json.loads(said), json.loads(audit))
