"""Rows: their form, how to read them, what can be wrong with them, what they make of a record."""

from exchange.domain.rows.catalogue import CATALOGUE, RULES, RowCode
from exchange.domain.rows.checks import Submission, check_row
from exchange.domain.rows.continuity import (
    StoredRecord,
    check_against_stored,
    check_deletion,
    check_opening,
)
from exchange.domain.rows.faults import (
    FAULTS_A_ROW_MAX,
    LIVE_ACCOUNTS_MAX,
    Flaw,
    RowFault,
    Severity,
    rejects,
    row_faults,
)
from exchange.domain.rows.forms import DeleteReason, Deletion, Reason, Row, Submitted
from exchange.domain.rows.one_amount import OneAmount
from exchange.domain.rows.plain import is_sound
from exchange.domain.rows.reading import (
    AnyRow,
    as_row,
    read_lines,
    read_object,
    read_row,
    read_submitted,
)
from exchange.domain.rows.texts import token_bytes
from exchange.domain.rows.transfers import Stated, check_transfer
from exchange.domain.rows.versions import (
    deleted_payload,
    first_payload,
    next_payload,
    row_digest,
    tells_the_same,
)

__all__ = [
    "CATALOGUE",
    "FAULTS_A_ROW_MAX",
    "LIVE_ACCOUNTS_MAX",
    "RULES",
    "AnyRow",
    "DeleteReason",
    "Deletion",
    "Flaw",
    "OneAmount",
    "Reason",
    "Row",
    "RowCode",
    "RowFault",
    "Severity",
    "Stated",
    "StoredRecord",
    "Submission",
    "Submitted",
    "as_row",
    "check_against_stored",
    "check_deletion",
    "check_opening",
    "check_row",
    "check_transfer",
    "deleted_payload",
    "first_payload",
    "is_sound",
    "next_payload",
    "read_lines",
    "read_object",
    "read_row",
    "read_submitted",
    "rejects",
    "row_digest",
    "row_faults",
    "tells_the_same",
    "token_bytes",
]
