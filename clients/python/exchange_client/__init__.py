"""SDK of members of a shared overdue-credit exchange.

`Exchange` and `AsyncExchange` ask, report, grant and prove. Answers are one of four types, so
that "no data" and "withheld" can never be read as clean. `cx` is the same on the command line.
"""

from __future__ import annotations

from exchange_client.answers import Adverse, Answer, NoAdverse, NoData, Outcome, Withheld
from exchange_client.batches.files import BatchFile
from exchange_client.batches.flows import RowFault
from exchange_client.batches.receipts import BatchReceipt
from exchange_client.batches.sending import Progress
from exchange_client.client import AsyncExchange, Exchange
from exchange_client.core.asking import Question
from exchange_client.core.disbursing import Disbursement
from exchange_client.core.proving import ProvenReceipt
from exchange_client.core.records.disputing import Dispute, DisputeAnswer, DisputeOpening
from exchange_client.core.records.reporting import QualityReport
from exchange_client.core.records.watching import NewWatch, Watch
from exchange_client.core.retrying import Patience
from exchange_client.errors import (
    CxError,
    InvalidIdentifier,
    Outage,
    ReceiptInvalid,
    Refused,
    UsageError,
)
from exchange_client.grants import Grant
from exchange_client.identifiers import Identifier
from exchange_client.keys import KeyFile
from exchange_client.pins import Pins
from exchange_client.receipts import Receipt

__all__ = [
    "Adverse",
    "Answer",
    "AsyncExchange",
    "BatchFile",
    "BatchReceipt",
    "CxError",
    "Disbursement",
    "Dispute",
    "DisputeAnswer",
    "DisputeOpening",
    "Exchange",
    "Grant",
    "Identifier",
    "InvalidIdentifier",
    "KeyFile",
    "NewWatch",
    "NoAdverse",
    "NoData",
    "Outage",
    "Outcome",
    "Patience",
    "Pins",
    "Progress",
    "ProvenReceipt",
    "QualityReport",
    "Question",
    "Receipt",
    "ReceiptInvalid",
    "Refused",
    "RowFault",
    "UsageError",
    "Watch",
    "Withheld",
]
