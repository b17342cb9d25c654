"""A statement of who looked holds, or is refused by the rule that it breaks."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from exchange_client.errors import ReceiptInvalid
from exchange_client.log.looks import HOLDS, VerifiedLooks, verify_looks
from exchange_client.log.policy import parse_policy
from exchange_client.merkle import TreeHead, leaf_hash, root_of_leaves, verify_inclusion
from exchange_client.pins import Pins

VECTORS = Path(__file__).parents[2] / "vectors"
LOOKS = json.loads((VECTORS / "looks_v1.json").read_text())
KEYS = json.loads((VECTORS / "access_log_v1.json").read_text())["keys"]
STRANGER = "stranger.example/witness+b0e380be+BC1xFkK3JrBEAWJ8qfusMvXIUw+xkDzE2wIlhxeSGkiB"
CASES = {one["what"]: one for one in LOOKS["cases"]}
KEY = bytes.fromhex(LOOKS["public_key"])
PINS = Pins(
    exchange=LOOKS["issuer"],
    name="Synthetic exchange",
    environment="test",
    public_base="https://exchange.example",
    keys=MappingProxyType({"statement": MappingProxyType({LOOKS["kid"]: KEY})}),
    epochs=(),
    log_origin=LOOKS["origin"],
    log_vkey=LOOKS["log_vkey"],
    purposes=(),
    profiles=(),
    limits=MappingProxyType({}),
    statement_key=KEY,
    description="",
)


def verified(what: str, **options: Any) -> VerifiedLooks:
    case = CASES[what]
    return verify_looks(case["statement"], PINS, now=case["now"], **options)


@pytest.mark.parametrize("what", [what for what, one in CASES.items() if not one["refused"]])
def test_what_is_true_holds(what: str) -> None:
    """A borrower would be told that an honest exchange hides something."""
    found = verified(what)

    assert LOOKS["subject"] == found.subjects[0].stated.subject
    assert (1, 2, 3, 4, 5, 6, 7) == found.held


@pytest.mark.parametrize("what", [what for what, one in CASES.items() if one["refused"]])
def test_what_is_false_is_refused_by_its_rule(what: str) -> None:
    """A look that is left out would stay unseen by the one it is about."""
    with pytest.raises(ReceiptInvalid, match=rf"^\({CASES[what]['refused']}\)"):
        verified(what)


def test_every_rule_that_needs_no_policy_has_a_case_that_breaks_it() -> None:
    """A rule that nothing breaks is one that nobody would miss."""
    broken = {one["refused"] for one in CASES.values()} | {1, 8}  # by the two tests below

    assert {0, *HOLDS} == broken


def test_another_key_or_text_is_refused() -> None:
    """Anyone could write a statement that nobody else looked."""
    text = CASES["true"]["statement"]
    other = replace(PINS, keys=MappingProxyType({"statement": MappingProxyType({})}))

    for said, pins in ((text, other), (text[:-8] + "A" * 8, PINS), ("looks", PINS)):
        with pytest.raises(ReceiptInvalid, match=r"^\(1\)"):
            verify_looks(said, pins, now=CASES["true"]["now"])


def test_the_witnesses_of_a_policy_must_have_seen_the_checkpoint() -> None:
    """An exchange could keep a tree for this borrower alone."""
    lines = [f"log {KEYS['log']['vkey']}", f"witness r {KEYS['w1']['vkey']}"]
    quorum = parse_policy("\n".join([*lines, "quorum r", ""]).encode())
    stranger = parse_policy("\n".join([lines[0], f"witness s {STRANGER}", "quorum s", ""]).encode())

    assert 8 in verified("true", policy=quorum).held
    with pytest.raises(ReceiptInvalid, match=r"^\(8\)"):
        verified("true", policy=stranger)


def test_it_tells_up_to_where_nobody_else_looked_and_what_it_does_not_open() -> None:
    """Somebody whose passkey opens a part would take it for the whole."""
    whole, part = verified("true").subjects[0], verified("one entry is not this passkey's")
    withheld = verified("an embargo stands on one entry").subjects[0].looks[1]

    assert ("2026-01-01", 4, 3) == (whole.index.day, whole.index.size, whole.index.count)  # type: ignore[union-attr]  # there is one, or the test fails
    assert (True, False) == (whole.complete, part.subjects[0].complete)
    assert ({}, 2, 1_769_817_620) == (withheld.said, withheld.number, withheld.withheld_until)


@pytest.mark.parametrize("index", LOOKS["indices"], ids=lambda one: one["subjects"])
def test_a_line_leads_to_the_root_over_all_lines(index: dict[str, Any]) -> None:
    """A tree of another shape would call every true line false."""
    names = [sha256(f"vector subject {n}".encode()).hexdigest() for n in range(index["subjects"])]
    lines = sorted(f"p:{name[:32]} {n % 5 + 1} {n}\n".encode() for n, name in enumerate(names))
    root, path = bytes.fromhex(index["root"]), [bytes.fromhex(one) for one in index["path"]]

    verify_inclusion(
        leaf_hash(lines[index["position"]]),
        index["position"],
        TreeHead(size=len(lines), root=root),
        path,
    )

    assert root_of_leaves(lines) == root
    assert lines[index["position"]] == index["line"].encode()
