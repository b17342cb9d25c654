"""Statements about watches, and about what happened to whom they watch.

What happens reaches a watch in two ways, neither of which makes a query wait. A file notes the
watched tokens that it stores something under, in its own transaction (`touch_staged`). All else
about a subject is a leaf: the log is read on by its index, below which nothing can appear any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.rows import TupleRow

from consent.purposes import NEW_CREDIT
from consent.reciprocity import Earned
from exchange.domain.findings import Velocity
from exchange.errors import WatchConflict
from exchange.services.batches.ports import Action
from exchange.services.watches.ports import SealedSeen, Watch, WatchKey, WatchToken
from exchange.store.outward import watch_texts as texts

_NEW_CREDIT = [purpose.value for purpose in NEW_CREDIT]


class Watches:
    """Statements about watches, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def find(self, key: WatchKey, *, lock: bool = False) -> Watch | None:
        """Find a watch; with `lock`, hold it as it is until the end."""
        statement = texts.HOLD if lock else texts.FIND
        row = statement.run(self._connection, key._asdict()).fetchone()
        return None if row is None else _watch(row)

    def take(self, key: WatchKey, now: int) -> Watch | None:
        """Hold a live watch that is due; None where it is not, or another holds it."""
        row = texts.TAKE.run(self._connection, {**key._asdict(), "now": now}).fetchone()
        return None if row is None else _watch(row)

    def add(self, watch: Watch, tokens: Sequence[WatchToken], live_max: int) -> bool:
        """Store a watch; False where its member has as many as it may have."""
        counted = {"member": watch.key.member, "live_max": live_max}
        if texts.COUNT_IN.run(self._connection, counted).rowcount != 1:
            return False
        try:
            texts.ADD.run(self._connection, _parameters(watch))
        except UniqueViolation as error:
            raise WatchConflict("was registered a moment ago", field="watch_id") from error
        self.retoken(watch.key, tokens)
        return True

    def listed(self, member: str, after: UUID | None, rows: int) -> list[Watch]:
        """List a member's watches in the order of their ids."""
        parameters = {"member": member, "after": after or UUID(int=0), "rows": rows}
        return [_watch(row) for row in texts.LIST.run(self._connection, parameters)]

    def keep(self, watch: Watch) -> None:
        """Store how a held watch stands now."""
        texts.KEEP.run(self._connection, _parameters(watch))

    def end(self, watch: Watch) -> None:
        """Store the end of a held watch; its tokens and what was seen are forgotten."""
        self.keep(watch._replace(tokens=(), seen=None))
        self.retoken(watch.key, ())
        texts.COUNT_OUT.run(self._connection, {"member": watch.key.member})

    def retoken(self, key: WatchKey, tokens: Sequence[WatchToken]) -> None:
        """Watch these tokens and no others."""
        parameters = {
            **key._asdict(),
            "indices": [token.token_index for token in tokens],
            "subjects": [token.subject for token in tokens],
        }
        texts.DROP_TOKENS.run(self._connection, parameters)
        texts.ADD_TOKENS.run(self._connection, parameters)

    def account(self, member: str, account_ref: str) -> tuple[bytes, ...]:
        """Return the tokens of the member's open account, primary first; none if there is none."""
        parameters = {"member": member, "account_ref": account_ref}
        row = texts.ACCOUNT.run(self._connection, parameters).fetchone()
        return () if row is None else tuple(row[0])

    def velocity(self, member: str, indices: Sequence[bytes], now: int) -> Velocity:
        """Count the other members that asked about new credit lately."""
        parameters = {"member": member, "indices": list(indices), "now": now}
        row = texts.VELOCITY.run(self._connection, parameters).fetchone()
        return Velocity(*row) if row else Velocity(0, 0, 0)

    def earned(self, member: str, now: int) -> Earned:
        """Say how deep the member's own contribution lets a look go."""
        row = texts.EARNED.run(self._connection, {"member": member, "now": now}).fetchone()
        return Earned(row[0]) if row else Earned.ALL

    def successor(self, member: str, grant_id: UUID) -> UUID | None:
        """Find the active grant that took the place of a superseded one."""
        parameters = {"member": member, "grant_id": grant_id}
        row = texts.SUCCESSOR.run(self._connection, parameters).fetchone()
        return None if row is None else row[0]

    def touch_staged(self, member: str) -> None:
        """Note the watched tokens under which the file of this session stores something."""
        if texts.ANY_WATCHED.run(self._connection, {}).fetchone() == (False,):
            return  # Nothing of the file is read.
        parameters = {"member": member, "store": Action.STORE}
        texts.TOUCH_STAGED.run(self._connection, parameters, prepare=False)

    def begin_marking(self) -> bool:
        """Let one process mark at a time, until the end of the transaction; say whether it may."""
        return texts.BEGIN_MARKING.run(self._connection, {}).fetchone() == (True,)

    def mark_touched(self, touches_max: int) -> int:
        """Let watches of tokens that files touched be due; say how many touches that took."""
        row = texts.MARK_TOUCHED.run(self._connection, {"touches_max": touches_max}).fetchone()
        return int(row[0]) if row else 0

    def mark_logged(self, leaves_max: int) -> int:
        """Let watches of subjects that the log tells of be due; say how many leaves were read."""
        if texts.SKIP.run(self._connection, {}).rowcount:
            return 0  # Nobody watches anybody.
        read = 0
        for log_id, first, size in list(texts.UNREAD.run(self._connection, {})):
            span = {"log_id": log_id, "first": first, "end": min(size, first + leaves_max)}
            texts.MARK_LOGGED.run(self._connection, {**span, "new_credit": _NEW_CREDIT})
            texts.READ_ON.run(self._connection, span)
            read += span["end"] - first
        return read

    def due(self, now: int, rows: int) -> list[WatchKey]:
        """List live watches that are due, those first to which something happened."""
        found = texts.DUE.run(self._connection, {"now": now, "rows": rows})
        return [WatchKey(*row) for row in found]

    def forget(self, ended_before: int) -> None:
        """Forget watches that ended before this time."""
        texts.FORGET.run(self._connection, {"ended_before": ended_before})


def _parameters(watch: Watch) -> dict[str, object]:
    values = {**watch._asdict(), **watch.key._asdict(), "kinds": list(watch.kinds)}
    values |= {"tokens": list(watch.tokens), "kek_id": None, "wrapped": None, "sealed": None}
    return values if watch.seen is None else {**values, **watch.seen._asdict()}


def _watch(row: TupleRow) -> Watch:
    seen = None if row[15] is None else SealedSeen(*row[13:16])
    return Watch._make(
        (WatchKey(*row[:2]), *row[2:5], tuple(row[5]), *row[6:12], tuple(row[12]), seen)
    )
