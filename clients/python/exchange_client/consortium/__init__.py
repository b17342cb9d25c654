"""What the consortium holds in sums, as the exchange signed it: verified from the pins alone.

    report = verify_report(text, pins)
    report.figures["npl_ratio"]["TOTAL"]

In:  a report as the exchange gave it (a file will do), and the pins. No connection is needed.
Out: a ConsortiumReport whose sums add up, or ReceiptInvalid. A figure that is None is withheld.
"""

from exchange_client.consortium.reports import (
    ConsortiumReport,
    fetch_report,
    find_entry,
    verify_report,
)

__all__ = ["ConsortiumReport", "fetch_report", "find_entry", "verify_report"]
