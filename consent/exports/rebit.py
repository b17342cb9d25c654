"""Write a grant in the shape of India's Account Aggregator consent artefact.

In:  the facts of one grant, and an id for this transfer.
Out: a document with the members that readers of that shape look for; what the shape has no word
     for stands in members that start with `x-`. It claims no certification and no conformance.

Source: ReBIT Account Aggregator API 2.0.0, ConsentArtefact; Sahamati's purpose codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..grants import GrantState
from ..parts import Mode
from ..purposes import PURPOSES, Fetch
from .facts import GrantFacts, moment

VERSION = "2.0.0"
_MONTH_SECONDS = 2_629_800  # a twelfth of 365.25 days
_PURPOSES_URL = "https://api.rebit.org.in/aa/purpose"
_STATUS: Mapping[GrantState, str] = MappingProxyType(
    {
        GrantState.REQUESTED: "PENDING",
        GrantState.ACTIVE: "ACTIVE",
        GrantState.REJECTED: "REJECTED",
        GrantState.PAUSED: "PAUSED",
        GrantState.WITHDRAWN: "REVOKED",
        GrantState.REVOKED: "REVOKED",
        GrantState.INVALIDATED: "REVOKED",
        GrantState.SUPERSEDED: "REVOKED",
        GrantState.EXPIRED: "EXPIRED",
        GrantState.CONSUMED: "EXPIRED",
    }
)
_MODE = {Mode.QUERY: "QUERY", Mode.STORE: "STORE"}
# Days of a frequency that the shape has a unit for.
_UNITS = {1: "DAY", 30: "MONTH", 31: "MONTH", 365: "YEAR"}


def rebit_artefact(facts: GrantFacts, txnid: str) -> dict[str, object]:
    """Return the document of one grant.

    Args:
        txnid: id of this transfer.
    """
    artefact = facts.artefact
    use: dict[str, object] = {
        "logUri": f"{facts.public_base}/v1/grants/{artefact.jti}/events",
        "count": facts.uses,
    }
    if facts.last_used_at is not None:
        use["lastUseDateTime"] = moment(facts.last_used_at)
    return {
        "ver": VERSION,
        "txnid": txnid,
        "consentId": artefact.jti,
        "status": _STATUS[facts.state],
        "createTimestamp": moment(artefact.iat),
        "ConsentDetail": _detail(facts),
        "ConsentUse": use,
        "x-cx-shape": "ReBIT-like; not certified",
        "x-cx-state": facts.state.value,
        "x-cx-artefact": facts.signed,
    }


def _detail(facts: GrantFacts) -> dict[str, object]:
    artefact = facts.artefact
    return {
        "consentStart": moment(artefact.nbf),
        "consentExpiry": moment(artefact.exp),
        "consentMode": _MODE[artefact.use.mode],
        "fetchType": "ONETIME" if artefact.use.fetch is Fetch.ONCE else "PERIODIC",
        "consentTypes": ["SUMMARY"],
        "fiTypes": ["OVERDUE_RECORD"],  # ours: the list of that shape has no arrears
        "DataConsumer": {"id": facts.grantee.id, "type": "FIU"},
        "DataProvider": {"id": facts.exchange.id, "type": "FIP"},
        "Customer": {"id": artefact.subject.ref},
        "Purpose": _purpose(facts),
        "FIDataRange": _data_range(facts),
        "DataLife": {"unit": "DAY", "value": artefact.answer_days},
        "Frequency": _frequency(facts),
        "DataFilter": [
            {"type": "x-detail", "operator": "<=", "value": artefact.depth.detail.value}
        ],
    }


def _purpose(facts: GrantFacts) -> dict[str, object]:
    rule = PURPOSES[facts.artefact.purpose]
    purpose: dict[str, object] = {
        "code": rule.rebit or f"x-{rule.purpose}",
        "text": rule.title,
        "Category": {"type": rule.purpose.value},
        "x-notice": f"{facts.artefact.notice.id}@{facts.artefact.notice.version}",
    }
    if rule.rebit:
        purpose["refUri"] = f"{_PURPOSES_URL}/{rule.rebit}.xml"
    return purpose


def _data_range(facts: GrantFacts) -> dict[str, object]:
    artefact = facts.artefact
    back = artefact.depth.lookback_months * _MONTH_SECONDS
    return {"from": moment(max(0, artefact.nbf - back)), "to": moment(artefact.exp)}


def _frequency(facts: GrantFacts) -> dict[str, object]:
    use = facts.artefact.use
    if use.frequency_days is None or use.frequency_max is None:
        return {"unit": "INF", "value": use.max_uses or 0}
    unit = _UNITS.get(use.frequency_days)
    if unit is None:  # So many in so many days: the shape has no word for it.
        return {"unit": "DAY", "value": use.frequency_max, "x-days": use.frequency_days}
    return {"unit": unit, "value": use.frequency_max}
