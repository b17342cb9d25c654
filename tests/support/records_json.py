"""Records and questions as `findings_v1.json` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from consent.decision import Decision, Limit, Reason
from consent.profiles import Effect, Profile, load_profile
from consent.purposes import Detail
from exchange.domain.findings import HeldRecord, Question, Velocity
from exchange.domain.records import Status, Transfer
from tests.support.rows import payload

Json = Mapping[str, Any]  # what a JSON file holds; the vectors' own tests check its types


def profile_of(profile_id: str, dispute_effect: str) -> Profile:
    """Return a profile with this effect of disputes."""
    return replace(load_profile(profile_id), dispute_effect=Effect(dispute_effect))


def held_of(record: Json) -> HeldRecord:
    """Read one record."""
    transfer_id = record["transfer_id"]
    return HeldRecord(
        record_id=UUID(record["record_id"]),
        member=record["member"],
        disputed=record["disputed"],
        suppressed=record["suppressed"],
        payload=payload(
            record["history"],
            status=Status(record["status"]),
            dpd=record["dpd"],
            overdue_minor=record["overdue_minor"],
            as_of=date.fromisoformat(record["as_of"]),
            currency=record["currency"],
            purge_on=date.fromisoformat(record["purge_on"]) if record["purge_on"] else None,
            transfer=Transfer[record["transfer"]],
            transfer_id=UUID(transfer_id).bytes if transfer_id else None,
        ),
    )


def question_of(question: Json) -> Question:
    """Read one permitted look."""
    decision = Decision(
        permitted=True,
        reason=Reason.PERMITTED,
        policy="cn@1",
        level=1,
        detail=Detail(question["detail"]),
        fields=frozenset(question["fields"]),
        lookback_months=question["lookback_months"],
        limits=tuple(Limit(limit) for limit in question["limits"]),
    )
    return Question(
        asker=question["asker"],
        decision=decision,
        velocity=Velocity(*question["velocity"]),
        contributors=question["contributors"],
        now=question["now"],
    )
