"""Whose signatures make a checkpoint count, from a policy file alone.

    log exchange.example/access/2026+2fbf1aa3+AYXB…     whose checkpoints are taken
    witness reg regulator.example/witness+76dd5c04+BIH…
    group all-of-us all reg
    quorum all-of-us

Statements of the exchange, such as the manifest of an export, are notes under its statement key.
That key is pinned by one more `log` line, for the format knows no other line for a key of a note.

Written apart from the exchange's own code. Source: C2SP tlog-policy.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from exchange_client.errors import InclusionInvalid, PinError
from exchange_client.notes import (
    ED25519,
    ED25519_COSIGNATURE,
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    parse_vkey,
)

POLICY_BYTES_MAX = 64 * 1024
AGE_SECONDS_MAX = 3_600  # of a checkpoint that is shown as the newest
AHEAD_SECONDS_MAX = 30
STATEMENTS = "/statements"  # what the name of a statement key ends with

_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f]")

# A witness by the name of its key, or (how many are needed, of which).
Rule: TypeAlias = "str | tuple[int, tuple[Rule, ...]]"
NO_RULE: Rule = (0, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The keys that are known, and which witnesses together are a quorum."""

    logs: tuple[VerifierKey, ...] = ()
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: Rule = field(default=NO_RULE)

    @classmethod
    def load(cls, path: Path) -> Policy:
        """Read a policy file.

        Raises:
            PinError: it is not readable, or breaks a rule of the format.
        """
        try:
            return parse_policy(path.read_bytes())
        except OSError as error:
            raise PinError(f"{path}: {error.strerror}") from error
        except PinError as error:
            raise PinError(f"{path}: {error}") from error

    @property
    def origins(self) -> frozenset[str]:
        """The logs whose checkpoints are taken."""
        return frozenset(key.name for key in self.logs if not key.name.endswith(STATEMENTS))

    @property
    def statement_keys(self) -> tuple[VerifierKey, ...]:
        """The keys that sign statements of the exchange."""
        return tuple(key for key in self.logs if key.name.endswith(STATEMENTS))

    def open(self, note: bytes) -> Witnessed:
        """Verify a checkpoint: its log's signature, every known cosignature, and the quorum.

        Raises:
            InclusionInvalid: a signature does not hold, no log of the policy has signed it, or
                its witnesses are no quorum.
        """
        opened = self.read(note)
        if not met(self.quorum, opened.checkpoint.cosigned_at):
            raise InclusionInvalid("the witnesses of the checkpoint are no quorum of the policy")
        return opened

    def read(self, note: bytes) -> Witnessed:
        """Verify a checkpoint, and say whether and since when it has a quorum.

        Raises:
            InclusionInvalid: a signature does not hold, or no log of the policy has signed it.
        """
        origin = note.split(b"\n", 1)[0].decode("utf-8", "replace")
        keys = [key for key in self.logs if key.name == origin and origin in self.origins]
        refused = InclusionInvalid("the checkpoint is of no log of the policy")
        for key in keys:
            try:
                found = open_checkpoint(note, key, self.witnesses)
            except InclusionInvalid as error:
                refused = error  # Before and after a change of keys one of them is enough.
            else:
                return Witnessed(
                    note=note,
                    checkpoint=found,
                    quorum_at=first_met(self.quorum, found.first_cosigned_at),
                )
        raise refused

    def check_fresh(self, witnessed: Witnessed, now: int, age_seconds_max: int) -> None:
        """Refuse a checkpoint that is shown as the newest and is old; with no quorum, none is.

        Raises:
            InclusionInvalid: its quorum is older than that, or ahead of this clock.
        """
        if self.quorum == NO_RULE:
            return
        seen = fresh_at(self.quorum, witnessed.checkpoint.cosigned_at)
        if seen is None or not now - age_seconds_max <= seen <= now + AHEAD_SECONDS_MAX:
            raise InclusionInvalid("the quorum on the checkpoint is too old, or ahead of us")


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """A checkpoint whose signatures hold."""

    note: bytes = field(repr=False)
    checkpoint: Checkpoint
    quorum_at: int | None  # unix seconds: when its witnesses became a quorum; None: they are none


def met(rule: Rule, cosigners: Collection[str]) -> bool:
    """Tell whether these witnesses, by the names of their keys, satisfy a rule."""
    if isinstance(rule, str):
        return rule in cosigners
    needed, members = rule
    return sum(met(member, cosigners) for member in members) >= needed


def first_met(rule: Rule, times: Mapping[str, int]) -> int | None:
    """Say since when these cosignatures (unix seconds) satisfy a rule that asks for some.

    A rule that asks for nobody is satisfied and names no time.
    """
    for time in sorted(set(times.values())):
        if rule != NO_RULE and met(rule, [name for name, at in times.items() if at <= time]):
            return time
    return None


def fresh_at(rule: Rule, times: Mapping[str, int]) -> int | None:
    """Say which time a quorum has reached: the latest that enough of them have signed at."""
    for time in sorted(set(times.values()), reverse=True):
        if met(rule, [name for name, at in times.items() if at >= time]):
            return time
    return None


def parse_policy(raw: bytes) -> Policy:
    """Read a policy.

    Raises:
        PinError: it breaks a rule of the format; the message names the line.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise PinError("a policy is UTF-8") from error
    if len(raw) > POLICY_BYTES_MAX or _ODD.search(text) or not text.endswith("\n"):
        raise PinError("a policy is short text, each line of it ended by LF")
    state = _State(policy=Policy())
    for number, line in enumerate(text.split("\n"), 1):
        words = re.findall("[^ \t]+", line)
        if words and not words[0].startswith("#"):
            try:
                state = state.after(words)
            except (ValueError, PinError) as error:
                raise PinError(f"line {number}: {error}") from error
    if not state.decided:
        raise PinError("a policy has one quorum line")
    return state.policy


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """A policy as far as it was read."""

    policy: Policy
    named: Mapping[str, Rule] = field(default_factory=dict)  # what each name stands for
    used: frozenset[str] = frozenset()  # names that are a member of something already
    decided: bool = False

    def after(self, words: list[str]) -> _State:
        """Return the state behind one more line."""
        policy = self.policy
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                key = _key(vkey, ED25519, policy.logs)
                return replace(self, policy=replace(policy, logs=(*policy.logs, key)))
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                key = _key(vkey, ED25519_COSIGNATURE, policy.witnesses)
                known = replace(policy, witnesses=(*policy.witnesses, key))
                return replace(self, policy=known, named=self._defined(name, key.name))
            case ["group", name, needed, *members] if members:
                count = {"any": 1, "all": len(members)}.get(needed) or _number(needed)
                if not 1 <= count <= len(members):
                    raise ValueError("a group needs any, all, or a number of its members")
                rule, used = self._taken(members)
                return replace(self, named=self._defined(name, (count, rule)), used=used)
            case ["quorum", name] if not self.decided:
                if name == "none":
                    return replace(self, decided=True)
                rule, used = self._taken([name])
                decided = replace(policy, quorum=rule[0])
                return replace(self, policy=decided, used=used, decided=True)
        raise ValueError("a line is a log, a witness, a group, or the one quorum")

    def _defined(self, name: str, rule: Rule) -> dict[str, Rule]:
        if name in self.named or name == "none":
            raise ValueError("a name is given once, and never the name none")
        return {**self.named, name: rule}

    def _taken(self, members: list[str]) -> tuple[tuple[Rule, ...], frozenset[str]]:
        taken = frozenset(members)
        if len(taken) < len(members) or taken & self.used or not taken <= self.named.keys():
            raise ValueError("a member has a name from an earlier line, and is one only once")
        return tuple(self.named[name] for name in members), self.used | taken


def _key(vkey: str, kind: int, taken: tuple[VerifierKey, ...]) -> VerifierKey:
    key = parse_vkey(vkey)
    if key.kind != kind:
        raise ValueError("a log's key has type 01, a witness's type 04")
    # A log may change its key under one name; a witness of two keys would count twice.
    if any(key.public_key == one.public_key for one in taken) or (
        kind == ED25519_COSIGNATURE and any(key.name == one.name for one in taken)
    ):
        raise ValueError("a key stands once")
    return key


def _number(digits: str) -> int:
    return int(digits) if digits.isascii() and digits.isdigit() else 0
