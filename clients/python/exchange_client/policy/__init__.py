"""The member's own policy: what it makes of an answer. The exchange decides no credit.

    policy = load_policy("policy.toml")
    decision = decide(policy, answer, {"requested_minor": 500_000})

One pure step each: load a file strictly, decide, write the notice that is owed, and let nothing be
paid out without a proven look (`Gate`).
"""

from __future__ import annotations

from exchange_client.policy.deciding import Decision, decide
from exchange_client.policy.gate import Cleared, Gate
from exchange_client.policy.loading import load_policy
from exchange_client.policy.notices import (
    NoticeText,
    Sender,
    Template,
    notice_owed,
    registered,
    write_notice,
)
from exchange_client.policy.replaying import Case, Replay, replay
from exchange_client.policy.values import Action, Policy, PolicyFault, PolicyInvalid, merge

__all__ = [
    "Action",
    "Case",
    "Cleared",
    "Decision",
    "Gate",
    "NoticeText",
    "Policy",
    "PolicyFault",
    "PolicyInvalid",
    "Replay",
    "Sender",
    "Template",
    "decide",
    "load_policy",
    "merge",
    "notice_owed",
    "registered",
    "replay",
    "write_notice",
]
