"""Know accounts that were deleted for fraud, after their records are purged: by a MAC alone."""

from __future__ import annotations

from collections.abc import Iterable

from exchange.services.ports import Ports, Work


def gone_for_fraud(member: str, refs: Iterable[str], work: Work, ports: Ports) -> set[str]:
    """Say which of these accounts of a member are never reported again."""
    macs = work.retention.fraud_macs(member)
    known_by = ports.keyring.account_mac
    return {ref for ref in refs if known_by(member, ref) in macs} if macs else set()
