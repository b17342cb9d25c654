"""Races about one grant, on two workers: a withdrawal against a question, and eight questions.

Each round is a fresh grant; the log's order, drawn after all row locks, is the judge.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.support.grant_desk import GrantDesk

RACERS = 8


def race_withdrawal(here: GrantDesk, elsewhere: GrantDesk, subject: int) -> str:
    """Let a withdrawal and a question start together, each on its worker.

    Returns:
        `permitted` or `withdrawn`, as the answer and the log agree; else what does not.
    """
    grant = here.granted(subject)
    with ThreadPoolExecutor(2) as pool:
        ended = pool.submit(here.end, grant, "withdraw", {})
        answered = pool.submit(elsewhere.answer, grant, subject)
    told = (*answered.result(), ended.result().status_code)
    if told == ("WITHHELD", "grant.withdrawn", 200):
        found = _order(here)
        return "withdrawn" if found == ["withdraw", "query"] else f"refused, yet logged as {found}"
    # The look came first and spent the grant: nothing was left to withdraw.
    first = ("NO_DATA", "permitted", 409)
    return "permitted" if told == first and _order(here) == ["register", "query"] else str(told)


def race_uses(desks: list[GrantDesk], subject: int) -> bool:
    """Let eight questions use a grant for one look together; tell whether it was spent once."""
    grant = desks[0].granted(subject)
    with ThreadPoolExecutor(RACERS) as pool:
        racers = (desks * RACERS)[:RACERS]
        answers = list(pool.map(lambda desk: desk.answer(grant, subject), racers))
    spent = [("NO_DATA", "permitted")]
    return spent + [("WITHHELD", "grant.used_up")] * (RACERS - 1) == sorted(answers)


def _order(desk: GrantDesk) -> list[str]:
    """Return what the two newest leaves say, in the log's order."""
    rows = desk.sql(
        "SELECT coalesce(e.event, s.kind) FROM leaf l JOIN log_search s USING (leaf_hash)"
        " LEFT JOIN grant_event e USING (leaf_hash) ORDER BY l.ord DESC LIMIT 2"
    )
    return [str(row[0]) for row in reversed(rows)]
