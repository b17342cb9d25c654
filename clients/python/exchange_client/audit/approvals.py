"""Check that two operators' keys signed what takes two people, from the leaves alone.

In:  the leaves of an export that starts at index 0, where operators' keys are enrolled.
Out: how many changes two keys signed, and how many nobody signed so: a first enrolment, a sandbox,
     or somebody with the database's password. A word that is no word of a live key is refused.
Source: `credit-exchange/operator/v1`, exchange/DECISIONS.md, 69.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from exchange_client.audit.leaves import AuditLeaf
from exchange_client.core.encoding import JSON, unb64url
from exchange_client.errors import LogInvalid

TWO: Final = 2
# Events of admin leaves that one person alone may not bring about.
BY_TWO: Final = frozenset(
    {
        *("enrolled", "roles_changed", "key_added", "active", "operator_added"),
        *("operator_retired", "person_confirmed", "passkey_ended", "notice_approved"),
        "seat_enrolled",
        *("log.recovered", "log.unwitnessed"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """What was checked."""

    by_two_keys: int = 0
    strange: tuple[int, ...] = ()  # signed by a key that an earlier year's log enrolled, or nobody
    unsigned: tuple[int, ...] = ()  # indices of changes that no two keys signed


def check_approvals(leaves: Sequence[AuditLeaf]) -> Approved:
    """Check every word of an operator in a log.

    Args:
        leaves: one for each index, in order.

    Raises:
        LogInvalid: a word is not what a live key of an operator signed, or two are one person's.
    """
    if not leaves or leaves[0].index != 0:
        return Approved()
    keys: dict[str, bytes] = {}  # of operators, by keyid
    retired: set[str] = set()
    signed, unsigned, strange = 0, [], []
    for leaf in leaves:
        event = leaf.said("event")
        if leaf.kind != "admin" or event not in BY_TWO:
            continue
        told = leaf.said("approvers")
        words = [str(one) for one in (told if isinstance(told, list) else []) if _is_word(one)]
        keyids = [word.partition(" ")[0] for word in words]
        # A text's first approval stands though its approver left before the second.
        gone = frozenset() if event == "notice_approved" else retired
        if len({one.partition("/")[0] for one in keyids}) < len(keyids):
            raise LogInvalid(f"(8) index {leaf.index}: one operator is both people")
        if keys.keys() >= set(keyids):
            _check(words, keys, gone, leaf.index)
            signed += len(words) >= TWO
            unsigned += [leaf.index] if len(words) < TWO else []
        else:
            strange.append(leaf.index)
        _follow(keys, retired, leaf)
    return Approved(by_two_keys=signed, strange=tuple(strange), unsigned=tuple(unsigned))


def _is_word(told: JSON) -> bool:
    return isinstance(told, str) and " " in told  # A sandbox keeps bare names.


def _check(words: Sequence[str], keys: Mapping[str, bytes], gone: Set[str], index: int) -> None:
    """Refuse a word that its key did not sign, or that a retired one signed."""
    for word in words:
        try:
            keyid, exchange, of, digest, signature = word.split(" ")
            lines = ("credit-exchange/operator/v1", exchange, keyid, of, digest, "")
            key = Ed25519PublicKey.from_public_bytes(keys[keyid])
            key.verify(unb64url(signature), "\n".join(lines).encode())
        except (ValueError, InvalidSignature) as error:
            raise LogInvalid(f"(8) index {index}: no operator's key signed this") from error
        if keyid in gone:
            raise LogInvalid(f"(8) index {index}: a retired operator's word")


def _follow(keys: dict[str, bytes], retired: set[str], leaf: AuditLeaf) -> None:
    """Keep whose key is live from here on."""
    told = str(leaf.said("key"))
    if leaf.said("event") == "operator_retired":
        retired.add(told)
    if leaf.said("event") == "operator_added":
        keyid, _, public_key = told.partition(" ")
        try:
            keys[keyid] = unb64url(public_key)
        except ValueError as error:
            raise LogInvalid(f"(8) index {leaf.index}: an operator without a key") from error
