"""Answer in one transaction what a member asks at the same time.

A query costs its transaction more than anything else: its waits, its flush, caches gone cold on
the way. So while one transaction of a member is under way, its other queries gather, and the next
transaction takes them all.

In:  one query of each calling thread.
Out: its answer, as if it had been alone. Where a joint transaction fails, whosever fault that was,
     nothing of it stands, and each query goes alone: one that cannot pass costs the others nothing
     but time, and only those of its own member.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from exchange.domain.queries import Asker, Query
from exchange.errors import ExchangeError
from exchange.services.ports import Ports
from exchange.services.queries.answer_query import (
    Answered,
    Written,
    answer_queries,
    sign_answers,
    write_answers,
)
from exchange.services.queries.write_answer import Asked

TOGETHER_MAX = 16


def _taken() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Seat:
    """One thread's query on its way; `turn` is released when the thread is to go on."""

    asked: Asked
    turn: Lock = field(default_factory=_taken)
    leads: bool = False  # it is to run the next transaction
    written: Written | None = None  # what came of it; None: it goes alone


class Together:
    """The queries of one process that are under way."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._lock = Lock()
        self._waiting: dict[str, list[_Seat]] = {}  # by member; present: a transaction is under way

    def __len__(self) -> int:
        """Return how many queries wait for a transaction to end."""
        with self._lock:
            return sum(map(len, self._waiting.values()))

    def answer(self, query: Query, asker: Asker) -> Answered:
        """Answer one query, together with those of the same member that wait.

        Raises:
            ExchangeError: what `write_answers` raises for this query.
        """
        if query.artefact is not None:  # Registering takes locks of its own.
            return answer_queries([query], asker, self._ports)
        seat = _Seat(Asked(query, asker))
        if not self._enter(seat):
            seat.turn.acquire()
        if seat.leads:
            self._lead(seat)
        if seat.written is None:
            return answer_queries([query], asker, self._ports)
        return sign_answers([seat.written], self._ports)

    def _enter(self, seat: _Seat) -> bool:
        """Take a place; tell whether no transaction of this member is under way."""
        member = seat.asked.asker.member
        with self._lock:
            waiting = self._waiting.get(member)
            seat.leads = waiting is None
            if waiting is None:
                self._waiting[member] = []
            else:
                waiting.append(seat)
        return seat.leads

    def _lead(self, seat: _Seat) -> None:
        """Run one transaction for this query and those that wait, and let the next one begin."""
        company, written = [seat], list[Written]()
        try:
            company = self._company(seat)
            written = write_answers([one.asked for one in company], self._ports)
        except ExchangeError:
            if len(company) == 1:
                raise
        finally:
            self._hand_over(seat.asked.asker.member)
            for number, one in enumerate(company):
                one.written = written[number] if written else None
                if one is not seat:
                    one.turn.release()

    def _company(self, seat: _Seat) -> list[_Seat]:
        """Choose who goes along: in order, and nobody who locks what another one locks."""
        company, names = [seat], _names(seat)
        with self._lock:
            waiting = self._waiting[seat.asked.asker.member]
            for one in waiting[: TOGETHER_MAX - 1]:
                mine = _names(one)
                if names.isdisjoint(mine):
                    names |= mine
                    company.append(one)
            waiting[:] = [one for one in waiting if one not in company]
        return company

    def _hand_over(self, member: str) -> None:
        with self._lock:
            waiting = self._waiting[member]
            if not waiting:
                del self._waiting[member]
                return
            heir = waiting.pop(0)
        heir.leads = True
        heir.turn.release()


def _names(seat: _Seat) -> set[object]:
    query = seat.asked.query
    return {query.query_id, query.tokens[0].value, query.grant_id or query.query_id}
