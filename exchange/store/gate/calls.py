"""The statements that call the gate: for one query, and for several.

The gate and the look-up are one statement: what is not permitted is never read.
"""

from __future__ import annotations

from exchange.store.statement import Statement

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
_ENTERING = """
    %(member)s, %(keys)s, %(nonces)s, %(now)s, %(log_id)s, %(after_sizes)s, %(after_roots)s"""
PASS_ONE = Statement(
    f"""
SELECT * FROM pass_gate({_ENTERING}, %(query_id)s, %(index)s, %(index_2)s, %(index_3)s,
    %(contact)s, %(grant_id)s, %(purpose)s, %(open)s, %(level)s, %(needs_account)s,
    %(needs_overdue)s, %(subject)s, %(subject_day)s, %(key_id)s, %(kek_id)s, %(wrapped)s)
"""  # noqa: S608 - composed of constants alone
)
_EACH = ", ".join(f"%({name})s::{type_}[]" for name, type_ in COLUMNS.items())
PASS_SEVERAL = Statement(
    f"""
SELECT o.*, g.* FROM enter_gate({_ENTERING}) o
LEFT JOIN LATERAL pass_gates(%(member)s, %(now)s, %(log_id)s, o.earned <> 'NOTHING',
    %(subject_day)s, {_EACH}) g ON o.nonce_fresh AND o.key_live
"""  # noqa: S608 - composed of constants alone
)
