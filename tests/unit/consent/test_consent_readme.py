"""README.md of the law: complete, sourced, and generated where it can be."""

from __future__ import annotations

import re
import runpy
import sys
from importlib.resources import files

import pytest

from consent.claims import Step
from consent.decision import Reason
from consent.purposes import PURPOSES, QUERY_PURPOSES, Act, Purpose
from consent.tables import all_tables

README = files("consent").joinpath("README.md").read_text(encoding="utf-8")


def rows(first: str, columns: int) -> dict[str, list[str]]:
    """Return the rows of the table whose header starts with this cell and has this many columns."""
    for table in re.findall(r"(?:^\|.*\n)+", README, flags=re.MULTILINE):
        head, _, *body = [
            [cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()
        ]
        if head[0] == first and len(head) == columns:
            return {line[0].strip("`"): line[1:] for line in body}
    raise AssertionError(f"no table of {first}")


@pytest.mark.parametrize("marker", sorted(all_tables()))
def test_the_generated_tables_are_those_of_the_files(marker: str) -> None:
    """A lawyer reads what the machine does (renew with `python -m consent.tables`)."""
    assert f"<!-- {marker} -->\n{all_tables()[marker]}\n<!-- end -->" in README


def test_the_command_that_renews_the_tables_prints_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever edits a profile renews the page with one command."""
    monkeypatch.delitem(sys.modules, "consent.tables")  # It runs as a program, not as imported.

    runpy.run_module("consent.tables", run_name="__main__")

    printed = capsys.readouterr().out
    assert all(f"<!-- {name} -->\n{table}\n" in printed for name, table in all_tables().items())


def test_every_purpose_has_its_source() -> None:
    """No purpose exists that nobody can trace."""
    sources = rows("purpose", 2)

    assert {purpose.value for purpose in Purpose} == sources.keys()
    assert all(len(cells[0]) > 8 for cells in sources.values())


def test_every_reason_has_its_source_in_the_order_of_decide() -> None:
    """A borrower who is told a reason finds what it rests on."""
    reasons = rows("reason", 3)

    assert [reason.value for reason in Reason] == list(reasons)
    assert all(cells[0] for cells in reasons.values())
    assert {"permitted"} == {name for name, cells in reasons.items() if not cells[1]}


def test_every_step_of_a_registration_is_named_in_order() -> None:
    """A lender finds the step that refused its artefact."""
    steps = " → ".join(f"`{step}`" for step in Step)

    assert steps in " ".join(README.split())


def test_query_purposes_are_those_that_look() -> None:
    """What may be asked for is what the table says, and nothing else."""
    assert {
        "credit_application",
        "guarantor_check",
        "account_review",
        "portfolio_monitoring",
        "collections",
        "fraud_prevention",
    } == {purpose.value for purpose in QUERY_PURPOSES}
    assert set(Purpose) == PURPOSES.keys()
    assert {Act.LOOK} == {PURPOSES[purpose].act for purpose in QUERY_PURPOSES}
