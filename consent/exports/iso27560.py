"""Write a grant as a consent record: ISO/IEC TS 27560 as JSON-LD with terms of DPV.

In:  the facts of one grant.
Out: a JSON-LD document whose one context is vendored beside this file: nothing is fetched.
Kept out: the opening of the subject's commitment; the subject is there as the member's pseudonym.

Source: ISO/IEC TS 27560:2023, 6.3; W3C Data Privacy Vocabulary 2, sections Consent and Purposes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from ..grants import GrantState
from ..parts import Mode
from ..profiles import LegalBasis
from ..purposes import PURPOSES
from .facts import GrantFacts, HistoryStep, Organisation, moment

CONTEXT = "urn:credit-exchange:contexts:consent-record:1"
CONTEXT_FILE = Path(__file__).parent / "contexts" / "consent-record-1.jsonld"
CONFORMS_TO = "urn:iso:std:iso-iec:ts:27560:ed-1"
SCHEMA_VERSION = "1"
_OWN = "urn:credit-exchange"

_STATUS: Mapping[GrantState, str] = MappingProxyType(
    {
        GrantState.REQUESTED: "dpv:ConsentRequested",
        GrantState.ACTIVE: "dpv:ConsentGiven",
        GrantState.PAUSED: "dpv:ConsentGiven",  # with a restriction beside it
        GrantState.REJECTED: "dpv:ConsentRefused",
        GrantState.WITHDRAWN: "dpv:ConsentWithdrawn",
        GrantState.REVOKED: "dpv:ConsentRevoked",
        GrantState.INVALIDATED: "dpv:ConsentInvalidated",
        GrantState.SUPERSEDED: "dpv:ConsentExpired",
        GrantState.EXPIRED: "dpv:ConsentExpired",
        GrantState.CONSUMED: "dpv:ConsentExpired",
    }
)
_LEGAL_BASIS: Mapping[LegalBasis, str] = MappingProxyType(
    {
        LegalBasis.CONSENT: "dpv:Consent",
        LegalBasis.CONTRACT: "dpv:Contract",
        LegalBasis.LEGAL_OBLIGATION: "dpv:LegalObligation",
        LegalBasis.LEGITIMATE_INTEREST: "dpv:LegitimateInterest",
        LegalBasis.PUBLIC_TASK: "dpv:PublicInterest",
        LegalBasis.PERMISSIBLE_PURPOSE: "cx:permissible_purpose",  # DPV has no such basis
    }
)
_PROCESSING: Mapping[Mode, tuple[str, ...]] = MappingProxyType(
    {
        Mode.QUERY: ("dpv:Query", "dpv:Disclose"),
        Mode.STORE: ("dpv:Collect", "dpv:Store", "dpv:Share"),
    }
)


def load_context() -> dict[str, object]:
    """Read the vendored context."""
    context = json.loads(CONTEXT_FILE.read_text(encoding="utf-8"))
    if not isinstance(context, dict):
        raise TypeError("the context is no object")
    return context


def consent_record(facts: GrantFacts) -> dict[str, object]:
    """Return the record of one grant."""
    artefact = facts.artefact
    record: dict[str, object] = {
        "@context": CONTEXT,
        "id": f"{_OWN}:grant:{artefact.jti}",
        "type": "dpv:ConsentRecord",
        "conformsTo": CONFORMS_TO,
        "schemaVersion": SCHEMA_VERSION,
        "identifier": artefact.jti,
        "hasDataSubject": {"type": "dpv:DataSubject", "identifier": artefact.subject.ref},
        "issued": moment(artefact.iat),
        "validFrom": moment(artefact.nbf),
        "validUntil": moment(artefact.exp),
        "language": artefact.notice.lang,
        "hasJurisdiction": f"loc:{artefact.jurisdiction}",
        "evidenceLevel": facts.level,
        **_about_use(facts),
        **_about_parties(facts),
        **_about_standing(facts),
    }
    return record


def _about_use(facts: GrantFacts) -> dict[str, object]:
    artefact, rule = facts.artefact, PURPOSES[facts.artefact.purpose]
    purpose: dict[str, object] = {
        "id": f"{_OWN}:purpose:{artefact.purpose}",
        "type": "dpv:Purpose",
        "title": rule.title,
    }
    if rule.dpv:  # Else the purpose is a term of our own alone.
        purpose["subTypeOf"] = f"dpv:{rule.dpv}"
    return {
        "hasNotice": {
            "type": "dpv:ConsentNotice",
            "identifier": f"{artefact.notice.id}@{artefact.notice.version}",
            "language": artefact.notice.lang,
            "sha256": artefact.notice.sha256.hex(),
        },
        "hasPurpose": purpose,
        "hasLegalBasis": _LEGAL_BASIS[artefact.legal_basis],
        "hasPersonalData": [f"cx:{field}" for field in sorted(artefact.depth.fields)],
        "hasProcessing": list(_PROCESSING[artefact.use.mode]),
        "hasStorageCondition": [
            _storage("answer", f"P{artefact.answer_days}D"),
            _storage("evidence", f"P{artefact.evidence_months}M"),
        ],
    }


def _about_parties(facts: GrantFacts) -> dict[str, object]:
    withdrawal = facts.artefact.withdrawal
    parties: dict[str, object] = {
        "hasDataController": _organisation("dpv:DataController", facts.grantee),
        "hasRecipient": [
            _organisation("dpv:Recipient", facts.grantee),
            _organisation("dpv:Recipient", facts.exchange),
        ],
    }
    if withdrawal is not None:
        ways = [way for way in (withdrawal.uri, withdrawal.phone) if way]
        parties["hasConsentControl"] = [{"type": "dpv:WithdrawConsent", "address": ways}]
    return parties


def _about_standing(facts: GrantFacts) -> dict[str, object]:
    standing: dict[str, object] = {"hasConsentStatus": _status(facts, facts.state)}
    if facts.state is GrantState.PAUSED:
        standing["restriction"] = "paused"
    standing["event"] = [_event(facts, step) for step in facts.history]
    return standing


def _status(facts: GrantFacts, state: GrantState) -> str:
    renews = facts.artefact.supersedes is not None and state is GrantState.ACTIVE
    return "dpv:RenewedConsentGiven" if renews else _STATUS[state]


def _event(facts: GrantFacts, step: HistoryStep) -> dict[str, object]:
    return {
        "eventKind": step.event,
        "hasConsentStatus": _status(facts, step.state),
        "isIndicatedBy": f"cx:{step.actor}",
        "hasIndicationMethod": facts.artefact.collection.act.value,
        "isIndicatedAtTime": moment(step.at),
    }


def _organisation(kind: str, party: Organisation) -> dict[str, object]:
    return {
        "type": kind,
        "identifier": party.id,
        "hasName": party.name,
        "hasContact": party.contact,
    }


def _storage(what: str, duration: str) -> dict[str, object]:
    return {"type": "dpv:StorageCondition", "storageOf": what, "hasDuration": duration}
