"""Proofs and promises: what a member gets for the leaf that its receipt names."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.crypto.keyring import Use
from exchange.errors import AbsentError, IntegrityError, LogDamaged
from exchange.services.log.prove_leaf import Promised, prove_leaf
from tests.support.access_log import START, AccessLog, access_log, run_sql


@pytest.fixture
def log(database_url: str, tmp_path: Path) -> Iterator[AccessLog]:
    with access_log(database_url, tmp_path) as made:
        yield made


def test_every_member_gets_a_proof_that_verifies_offline(log: AccessLog) -> None:
    """The receipt would be the exchange's word and nothing more."""
    log.turn()
    leaves = log.write(300)
    log.turn()
    leaves += log.write(300)
    log.turn()

    for n, leaf in enumerate(leaves):
        if n % 37 == 0:
            proof = log.proven(leaf.leaf_hash)
            assert (n + 1, 601) == (proof.index, proof.head.size)
            assert {"subject": leaf.subject.payload, "audit": leaf.audit.payload} == proof.openings


def test_before_its_index_a_leaf_is_promised(log: AccessLog) -> None:
    """A member that is told nothing cannot say later that the log broke its word."""
    log.turn()
    log.clock.now += 10
    (leaf,) = log.write(1)
    log.clock.now += 5

    found = prove_leaf(leaf.leaf_hash, "member-a", log.log_ports)

    assert isinstance(found, Promised)
    header, payload, _ = found.promise.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert "cx-promise+jwt" in base64.urlsafe_b64decode(header + "==").decode()
    assert (log.ports.keyring.kid(Use.PROMISE), START + 10, 60) == (
        json.loads(base64.urlsafe_b64decode(header + "=="))["kid"],
        claims["iat"],
        claims["mmd"],
    )
    assert (log.origin(), leaf.leaf_hash) == (
        claims["aud"],
        base64.urlsafe_b64decode(claims["jti"] + "="),
    )
    assert found == prove_leaf(leaf.leaf_hash, "member-a", log.log_ports)


@pytest.mark.parametrize("sequenced", [False, True])
def test_another_members_leaf_is_absent_like_one_that_never_was(
    log: AccessLog, sequenced: bool
) -> None:
    """Whoever guesses or finds a leaf hash would read another lender's question."""
    log.turn()
    (leaf,) = log.write(1)
    if sequenced:
        log.turn()

    with pytest.raises(AbsentError) as others:
        prove_leaf(leaf.leaf_hash, "member-b", log.log_ports)
    with pytest.raises(AbsentError) as nobodys:
        prove_leaf(bytes(32), "member-a", log.log_ports)

    assert str(others.value) == str(nobodys.value)


def test_a_proof_that_would_not_verify_never_leaves(log: AccessLog) -> None:
    """A member that holds a broken proof holds evidence against an honest exchange."""
    log.turn()
    leaves = log.write(5)
    log.turn()
    run_sql(log.url, "UPDATE tile SET hashes = set_byte(hashes, 64, get_byte(hashes, 64) # 1)")

    with pytest.raises(LogDamaged):
        prove_leaf(leaves[0].leaf_hash, "member-a", log.log_ports)


@pytest.mark.parametrize("column", ["subject", "audit"])
def test_an_opening_that_was_changed_never_leaves(log: AccessLog, column: str) -> None:
    """A look could be shown with another purpose than it had."""
    log.turn()
    (leaf,) = log.write(1)
    log.turn()
    run_sql(
        log.url, f"UPDATE opening SET {column} = set_byte({column}, 20, get_byte({column}, 20) # 1)"
    )

    with pytest.raises(IntegrityError):
        prove_leaf(leaf.leaf_hash, "member-a", log.log_ports)


def test_swapped_openings_never_leave(log: AccessLog) -> None:
    """One borrower's look could be shown to another."""
    log.turn()
    first, second = log.write(2)
    log.turn()
    run_sql(
        log.url,
        "UPDATE opening o SET subject = p.subject FROM opening p "
        "WHERE o.leaf_hash = %s AND p.leaf_hash = %s",
        first.leaf_hash,
        second.leaf_hash,
    )

    with pytest.raises(IntegrityError):
        prove_leaf(first.leaf_hash, "member-a", log.log_ports)
