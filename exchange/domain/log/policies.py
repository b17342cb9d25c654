"""Whose cosignatures make a checkpoint count: a policy file, read and applied.

In:  a policy file; the names of keys that cosigned, and when.
Out: whether they are a quorum, and since when.
Not here: signatures, who asks whom.

Source: C2SP tlog-policy. Each name is a member of one group at most, so a quorum is a tree.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from exchange.domain.notes import KeyType, NoteKey, parse_vkey
from exchange.errors import FormError, InvalidNote

POLICY_BYTES_MAX = 65_536
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A witness of the policy: its key, and where checkpoints are submitted."""

    key: NoteKey
    url: str = ""  # submission prefix; "": nothing is sent there


@dataclass(frozen=True, slots=True)
class Quorum:
    """At least so many of these: witnesses by the name of their key, or further groups."""

    needed: int
    members: tuple[str | Quorum, ...] = ()

    def met_by(self, cosigners: Collection[str]) -> bool:
        """Tell whether these key names suffice."""
        met = sum(
            one.met_by(cosigners) if isinstance(one, Quorum) else one in cosigners
            for one in self.members
        )
        return met >= self.needed

    def splits(self) -> bool:
        """Tell whether two sets of witnesses without a common one could both suffice.

        Then two histories could both be final, each for its own half of the consortium.
        """
        doubly = sum(isinstance(one, Quorum) and one.splits() for one in self.members)
        return 2 * max(0, self.needed - doubly) <= len(self.members) - doubly


NO_QUORUM = Quorum(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a checkpoint needs beside the log's own signature."""

    logs: tuple[NoteKey, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    quorum: Quorum = field(default=NO_QUORUM)

    @property
    def keys(self) -> tuple[NoteKey, ...]:
        """The keys of the witnesses."""
        return tuple(witness.key for witness in self.witnesses)

    def first_met_at(self, times: Mapping[str, int]) -> int | None:
        """Say when these cosignatures (unix seconds by key name) became a quorum, if they are."""
        return self._met_at(times, sorted(set(times.values())))

    def fresh_at(self, times: Mapping[str, int]) -> int | None:
        """Say which time a quorum has reached: the latest that enough of them have signed at."""
        for time in sorted(set(times.values()), reverse=True):
            if self.quorum.met_by({name for name, at in times.items() if at >= time}):
                return time
        return None

    def _met_at(self, times: Mapping[str, int], moments: Sequence[int]) -> int | None:
        for time in moments:
            if self.quorum.met_by({name for name, at in times.items() if at <= time}):
                return time
        return None


NO_POLICY = Policy()


def parse_policy(text: str) -> Policy:
    """Read a policy file.

    Raises:
        FormError: it breaks a rule of the format; the message names the line and the rule.
    """
    if len(text.encode()) > POLICY_BYTES_MAX or _FORBIDDEN.search(text):
        raise FormError("a policy file is short text without control characters")
    if not text.endswith("\n"):
        raise FormError("each line of a policy file ends in LF")
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), 1):
        words = line.replace("\t", " ").split(" ")
        if (words := [word for word in words if word]) and not words[0].startswith("#"):
            try:
                reader.read(words)
            except (InvalidNote, ValueError) as error:
                raise FormError(f"line {number}: {error}") from error
    return reader.policy()


class _Reader:
    """A policy file as far as it was read."""

    def __init__(self) -> None:
        self._logs: list[NoteKey] = []
        self._witnesses: list[Witness] = []
        self._free: dict[str, str | Quorum] = {}  # named, and not a member of any group yet
        self._names: set[str] = {_NONE}
        self._quorum: Quorum | None = None

    def read(self, words: list[str]) -> None:
        """Read one line."""
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self._logs.append(self._key(vkey, {KeyType.ED25519}, self._logs))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                taken = [witness.key for witness in self._witnesses]
                key = self._key(vkey, {KeyType.ED25519_COSIGNATURE}, taken)
                self._witnesses.append(Witness(key=key, url="".join(url).rstrip("/")))
                self._define(name, key.name)
            case ["group", name, needed, *members] if members:
                self._define(name, self._group(needed, members))
            case ["quorum", name] if self._quorum is None:
                self._quorum = NO_QUORUM if name == _NONE else Quorum(1, (self._take(name),))
            case _:
                raise ValueError("expected log, witness, group or one quorum, and their parts")

    def policy(self) -> Policy:
        """Return the whole policy."""
        if self._quorum is None:
            raise FormError("a policy file has one quorum line")
        return Policy(logs=tuple(self._logs), witnesses=tuple(self._witnesses), quorum=self._quorum)

    def _define(self, name: str, meaning: str | Quorum) -> None:
        if name in self._names:
            raise ValueError("a name is defined once, and none is taken")
        self._names.add(name)
        self._free[name] = meaning

    def _take(self, name: str) -> str | Quorum:
        if name not in self._free:
            raise ValueError("a name stands on an earlier line and is used once")
        return self._free.pop(name)

    def _group(self, needed: str, members: list[str]) -> Quorum:
        words = {"any": 1, "all": len(members)}
        count = words.get(needed) or int(needed if needed.isdecimal() else 0)
        if not 1 <= count <= len(members):
            raise ValueError("a group needs any, all or a number up to that of its members")
        return Quorum(count, tuple(self._take(member) for member in members))

    @staticmethod
    def _key(vkey: str, kinds: Collection[int], taken: Collection[NoteKey]) -> NoteKey:
        key = parse_vkey(vkey)
        if key.kind not in kinds:
            raise ValueError("a log signs with a key of type 01, a witness with one of type 04")
        if any(one.public_key == key.public_key or one.name == key.name for one in taken):
            raise ValueError("each key and each key's name stands once")
        return key
