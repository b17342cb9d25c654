"""Manage loans after they were paid out, over the member's own book alone.

    book = read_book([Path("mar.ndjson")])
    classes(book.held), provision(book.held, read_rates(Path("rates.toml")))
    strata(book.loans.values(), flags, events, today=today)
    steps = list(roll(read_books([Path("jan.ndjson"), Path("feb.ndjson"), Path("mar.ndjson")])))
    stress(book.held, mean(steps), rates, Scenario(severity=Fraction(1, 4)))

In:  the member's own files: batches as they were sent, or the rows they were made of.
Out: sums in whole minor units that tie to the rows, and exact ratios.
Not here: any other member's records, and any connection. Nothing leaves the machine.
"""

from exchange_client.book.classifying import ClassReport, classes
from exchange_client.book.collecting import Event, Stratum, misplaced, strata, strata_table
from exchange_client.book.defaults import Exposure, Losses, draw_losses
from exchange_client.book.loans import Loan
from exchange_client.book.provisions import ProvisionReport, Rate, Rates, provision, read_rates
from exchange_client.book.reading import Book, read_book, read_books
from exchange_client.book.rolling import RollMonth, mean, roll
from exchange_client.book.stressing import Scenario, View, stress
from exchange_client.book.vintages import Vintage, vintages

__all__ = [
    "Book",
    "ClassReport",
    "Event",
    "Exposure",
    "Loan",
    "Losses",
    "ProvisionReport",
    "Rate",
    "Rates",
    "RollMonth",
    "Scenario",
    "Stratum",
    "View",
    "Vintage",
    "classes",
    "draw_losses",
    "mean",
    "misplaced",
    "provision",
    "read_book",
    "read_books",
    "read_rates",
    "roll",
    "strata",
    "strata_table",
    "stress",
    "vintages",
]
