"""Exports of a grant: golden for every purpose and state, and nothing in them is our word alone."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from pyld import jsonld  # type: ignore[import-untyped]  # it ships no types

from consent.exports.iso27560 import CONTEXT, consent_record, load_context
from consent.exports.rebit import rebit_artefact
from consent.grants import GrantState
from consent.purposes import GRANT_PURPOSES, Purpose
from tests.support.export_cases import FOLDER, TXNID, cases, facts_of, iso27560, rebit
from tests.support.export_schemas import faults_of, validator

DPV = "https://w3id.org/dpv#"
OLDER = "gnt_019aa000000070008000000000000001"
KNOWN = (
    DPV,
    "http://purl.org/dc/terms/",
    "http://www.w3.org/2000/01/rdf-schema#",
    "urn:credit-exchange:terms:",
)


def load(url: str, options: Mapping[str, object]) -> dict[str, object]:
    """Hand out the vendored context; whoever asks for more asked the network."""
    assert CONTEXT == url
    return {"contextUrl": None, "documentUrl": url, "document": load_context()}


def expanded(document: dict[str, object]) -> dict[str, object]:
    """Expand a record with the vendored context alone."""
    found = jsonld.expand(document, {"documentLoader": load})
    assert 1 == len(found)
    node = found[0]
    assert isinstance(node, dict)
    return node


@pytest.mark.parametrize(("name", "lines"), [("iso27560", iso27560), ("rebit", rebit)])
def test_every_purpose_and_state_is_written_as_its_readers_know_it(
    name: str, lines: object
) -> None:
    """An export that changes without a word breaks whoever read the last one."""
    golden = (FOLDER / f"{name}.ndjson").read_text(encoding="utf-8").splitlines()
    assert callable(lines)

    written = lines()

    assert golden == written
    assert len(GRANT_PURPOSES) * len(GrantState) + 1 == len(written)


@pytest.mark.parametrize(
    ("name", "schema"), [("iso27560", "consent-record-1"), ("rebit", "rebit-like-1")]
)
def test_every_golden_export_keeps_its_published_schema(name: str, schema: str) -> None:
    """Who builds a reader from the schema reads every grant that we write."""
    lines = (FOLDER / f"{name}.ndjson").read_text(encoding="utf-8").splitlines()
    check = validator(schema)

    faults = {line["case"]: faults_of(check, line["document"]) for line in map(json.loads, lines)}

    assert {} == {case: found for case, found in faults.items() if found}
    document = json.loads(lines[0])["document"]
    assert all(
        faults_of(check, {key: one for key, one in document.items() if key != left})
        for left in document
        if left not in {"hasConsentControl"}
    )
    assert faults_of(check, {**document, "unheard": "of"})


def test_a_record_expands_with_the_vendored_context_alone_and_comes_back_whole() -> None:
    """A term that the context does not know is dropped in silence by every reader."""
    for _, facts in cases():
        record = consent_record(facts)

        back = jsonld.compact(expanded(record), CONTEXT, {"documentLoader": load})

        assert record == back


def test_every_word_of_a_record_is_a_published_one_or_marked_as_ours() -> None:
    """A reader who knows ISO 27560 and DPV must find their words, and see which are ours."""
    for _, facts in cases():
        node = expanded(consent_record(facts))

        assert {DPV + "ConsentRecord"} == set(node["@type"])  # type: ignore[call-overload]  # a list of names
        assert [] == [key for key in keys_of(node) if not key.startswith(("@", *KNOWN))]


def keys_of(node: object) -> list[str]:
    """Return every key of an expanded document."""
    if isinstance(node, dict):
        return [*node, *(key for value in node.values() for key in keys_of(value))]
    if isinstance(node, list):
        return [key for one in node for key in keys_of(one)]
    return []


@pytest.mark.parametrize(
    ("state", "iso", "other"),
    [
        (GrantState.REQUESTED, "ConsentRequested", "PENDING"),
        (GrantState.ACTIVE, "ConsentGiven", "ACTIVE"),
        (GrantState.PAUSED, "ConsentGiven", "PAUSED"),
        (GrantState.REJECTED, "ConsentRefused", "REJECTED"),
        (GrantState.WITHDRAWN, "ConsentWithdrawn", "REVOKED"),
        (GrantState.REVOKED, "ConsentRevoked", "REVOKED"),
        (GrantState.INVALIDATED, "ConsentInvalidated", "REVOKED"),
        (GrantState.SUPERSEDED, "ConsentExpired", "REVOKED"),
        (GrantState.EXPIRED, "ConsentExpired", "EXPIRED"),
        (GrantState.CONSUMED, "ConsentExpired", "EXPIRED"),
    ],
)
def test_a_state_is_told_in_the_words_of_the_other_form(
    state: GrantState, iso: str, other: str
) -> None:
    """Who reads `given` where the borrower withdrew asks against their will."""
    facts = facts_of(Purpose.CREDIT_APPLICATION, state)

    record, artefact = consent_record(facts), rebit_artefact(facts, TXNID)

    assert f"dpv:{iso}" == record["hasConsentStatus"]
    assert (state is GrantState.PAUSED) is ("restriction" in record)
    assert (other, state.value) == (artefact["status"], artefact["x-cx-state"])


def test_a_renewal_says_that_it_renews() -> None:
    """A reader must not count one consent twice."""
    facts = facts_of(Purpose.CREDIT_APPLICATION, GrantState.ACTIVE, supersedes=OLDER)

    record = consent_record(facts)

    assert "dpv:RenewedConsentGiven" == record["hasConsentStatus"]


def test_no_export_opens_who_the_borrower_is() -> None:
    """What opens the commitment stays with the lender, and so does every identifier."""
    for _, facts in cases():
        commit = facts.artefact.subject.commit.hex()

        told = json.dumps([consent_record(facts), rebit_artefact(facts, TXNID)])

        assert commit not in told
        assert "11010519491231002X" not in told
        assert facts.artefact.subject.ref in told
