"""The statements that call the gate: for one query, for a few, and for many.

The gate and the look-up are one statement (functions.py): what is not permitted is never read.
"""

from __future__ import annotations

from exchange.store.statement import Statement

CALLED_EACH_MAX = 8  # `pass_gates` costs nearly twice as much for 2 queries, a fifth less for 16

_GATE = """
SELECT o.*, g.*
FROM enter_gate(
    %(member)s, %(keys)s, %(nonces)s, %(now)s, %(log_id)s, %(after_sizes)s, %(after_roots)s) o
"""
_CALL = """pass_gate(
    %(member)s, %(now)s, %(log_id)s, {query_id}, {index}, {index_2}, {index_3}, {contact},
    {grant_id}, {purpose}, {open} AND o.earned <> 'NOTHING', {level}, {needs_account},
    {needs_overdue}, {subject}, %(subject_day)s, {key_id},
    {kek_id}, {wrapped}) g ON o.nonce_fresh AND o.key_live"""
COLUMNS = {
    "query_id": "uuid",
    "index": "bytea",
    "index_2": "bytea",
    "index_3": "bytea",
    "contact": "bytea",
    "grant_id": "uuid",
    "purpose": "text",
    "open": "boolean",
    "level": "int",
    "needs_account": "boolean",
    "needs_overdue": "boolean",
    "subject": "text",
    "key_id": "text",
    "kek_id": "text",
    "wrapped": "bytea",
}
PASS_ONE = Statement(
    _GATE
    + "LEFT JOIN LATERAL "
    + _CALL.format(**{name: f"%({name})s::{type_}" for name, type_ in COLUMNS.items()})
)
# A call for each row. Sorted by subject, as whoever writes leaves sorts them: whatever members ask,
# they lock the counters of the same subjects in the same order.
_PASS_FEW = Statement(
    _GATE.replace("g.*", "g.*, q.ord")  # noqa: S608 - composed of constants alone
    + "LEFT JOIN LATERAL (SELECT * FROM unnest("
    + ", ".join(f"%({name})s::{type_}[]" for name, type_ in COLUMNS.items())
    + ") WITH ORDINALITY AS q("
    + ", ".join(COLUMNS)
    + ", ord) ORDER BY subject) q ON true\nLEFT JOIN LATERAL "
    + _CALL.format(**{name: f"q.{name}" for name in COLUMNS})
)
_PASS_MANY = Statement(
    _GATE
    + """LEFT JOIN LATERAL pass_gates(
    %(member)s, %(now)s, %(log_id)s, o.earned <> 'NOTHING', %(subject_day)s, """
    + ", ".join(f"%({name})s::{type_}[]" for name, type_ in COLUMNS.items())
    + ") g ON o.nonce_fresh AND o.key_live"
)


def pass_several(rows: int) -> Statement:
    """Return the statement that passes this many queries with the least work: two or more."""
    return _PASS_FEW if rows <= CALLED_EACH_MAX else _PASS_MANY
