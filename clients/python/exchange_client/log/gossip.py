"""Gossip: what log a member was shown, named back in each of its questions.

The newest checkpoint that was verified is kept, as a whole note, and named in `after` of the next
question. An exchange that shows two members two logs must refuse one of them, or sign two roots
of one size; either is kept as evidence. What another member, a witness or a mirror was shown can
be learnt as well.
Order: a resent question must be the same bytes, so a query id names one checkpoint for good.
Source: log.md, 8.
"""

from __future__ import annotations

import json
import os
from collections import deque
from pathlib import Path
from threading import Lock
from typing import Final

from exchange_client.core.encoding import JSON, b64url, loads_object, unb64url
from exchange_client.errors import LogDisowned, LogForked, Refused, UsageError
from exchange_client.merkle import TreeHead
from exchange_client.notes import Checkpoint, open_checkpoint, parse_vkey

FORMAT: Final = "cx-checkpoints/1"
HEADS_MAX: Final = 64  # remembered of earlier checkpoints, so that a resend finds its own
NAMED_MAX: Final = 10_000  # query ids of which this process knows what they named
YEAR_DIGITS: Final = 4

Named = dict[str, object] | None  # `after` of a question


class Gossip:
    """The checkpoints that one member was shown of the pinned log. Safe between threads.

    Args:
        vkey: of the pinned log.
        file: kept between runs; without it they are remembered in memory alone.

    Raises:
        UsageError: the file is not one of checkpoints.
        InclusionInvalid: the pinned log has not signed what it holds.
    """

    def __init__(self, vkey: str, file: Path | None = None) -> None:
        self._log = parse_vkey(vkey)
        self._file = file
        self._lock = Lock()
        self._note = b""
        self._newest: TreeHead | None = None
        self._heads: deque[TreeHead] = deque(maxlen=HEADS_MAX)
        self._named: dict[str, Named] = {}
        self._others: dict[str, JSON] = {}  # of other logs, kept as they are
        if file is not None and file.exists():
            self._load(file)

    @property
    def note(self) -> bytes:
        """The newest checkpoint, as it was signed; empty before the first. Give it to others."""
        return self._note

    def learn(self, note: bytes) -> None:
        """Take a checkpoint, shown to us or to somebody else.

        Raises:
            InclusionInvalid: the pinned log has not signed it.
            LogForked: it contradicts the one held; both notes are in the error.
        """
        shown = open_checkpoint(note, self._log)
        with self._lock:
            if self._contradicts(shown):
                raise LogForked(self._note, note)
            if self._newest is not None and shown.head.size <= self._newest.size:
                return
            self._note, self._newest = note, shown.head
            self._heads.append(shown.head)
            if self._file is not None:
                self._save(self._file)

    def name(self, query_id: str, year: int) -> Named:
        """Return what a question names in `after`; of an earlier year's log nothing."""
        with self._lock:
            if query_id not in self._named:
                if len(self._named) >= NAMED_MAX:
                    self._named.pop(next(iter(self._named)))
                current = self._newest if self._is_of(year) else None
                self._named[query_id] = _after(current)
            return self._named[query_id]

    def candidates(self) -> list[Named]:
        """Return what a question of an earlier run can have named."""
        with self._lock:
            return [None, *map(_after, self._heads)]

    def check(self, refused: Refused) -> None:
        """Raise what a refusal proves of the log, if it proves anything.

        Raises:
            LogDisowned: the exchange says that it never signed the checkpoint we hold.
        """
        if refused.code == "log.disagrees":
            raise LogDisowned(self._note) from refused

    def _contradicts(self, shown: Checkpoint) -> bool:
        held = [one for one in self._heads if one.size == shown.head.size]
        return any(one.root != shown.head.root for one in held)

    def _is_of(self, year: int) -> bool:
        named = self._log.name.rpartition("/")[2].partition("-")[0]
        return not (len(named) == YEAR_DIGITS and named.isdecimal()) or int(named) == year

    def _load(self, file: Path) -> None:
        try:
            content = loads_object(file.read_bytes())
            logs = content["logs"]
            if content.get("format") != FORMAT or not isinstance(logs, dict):
                raise ValueError(f"not a {FORMAT} file")
            self._others = {name: held for name, held in logs.items() if name != self._log.name}
            self._take(logs.get(self._log.name))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{file}: cannot be read as checkpoints: {error}") from error

    def _take(self, held: JSON) -> None:
        if not isinstance(held, dict):
            return
        self._note = str(held["note"]).encode()
        self._newest = open_checkpoint(self._note, self._log).head
        heads = held["heads"]
        for one in heads if isinstance(heads, list) else []:
            size, root = one if isinstance(one, list) else (None, None)
            if not isinstance(size, int):
                raise ValueError("a head is a size and a root")
            self._heads.append(TreeHead(size=size, root=unb64url(root)))

    def _save(self, file: Path) -> None:
        """Write the file, whole or not at all; what a crash loses is only a little of memory."""
        heads = [[one.size, b64url(one.root)] for one in self._heads]
        held = {"note": self._note.decode(), "heads": heads}
        logs = {**self._others, self._log.name: held}
        partial = file.with_name(f"{file.name}.{os.getpid()}.part")
        partial.write_text(json.dumps({"format": FORMAT, "logs": logs}, indent=1) + "\n")
        os.replace(partial, file)


def _after(head: TreeHead | None) -> Named:
    return None if head is None else {"size": head.size, "root": b64url(head.root)}
