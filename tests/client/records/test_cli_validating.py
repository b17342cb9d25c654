"""`cx batch validate` judges by the profile of the jurisdiction, as the exchange would."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from exchange_client.batches.files import BatchHeader, build
from exchange_client.cli.main import app
from exchange_client.core.ids import new_id
from tests.client.sdk.samples import NEVER, borrower, row


def test_a_file_is_judged_by_the_profile_that_it_names(tmp_path: Path) -> None:
    """A lender in Nairobi must not hear that its shillings are no currency, nor learn it late."""
    who = borrower(1)
    named = {"id_type": who.id_type, "country": who.country, "number": who.number}
    late = row(who, NEVER, days_late=5, overdue_minor=99_999, currency="KES")
    rows = json.dumps(late | {"identifiers": [named]}, default=str)
    (tmp_path / "rows").write_text(rows + "\n")
    header = BatchHeader(
        batch_id=new_id("bat"), member="m", epoch="ep_1", profile="us@1", sequence=1, created=1
    )
    build(header, [{"as_of": "2026-01-31"}]).save(tmp_path / "batch")

    def judged(file: str, *words: str) -> Result:
        path = str(tmp_path / file)
        return CliRunner().invoke(app, ["batch", "validate", path, "--json", *words])

    found = [
        {one["code"] for one in json.loads(judged("rows", *words).stdout)["faults"]}
        for words in ((), ("--profile", "ke"), ("--profile", "KE@1"))
    ]
    assert [{"row.currency"}, {"row.below_minimum"}, {"row.below_minimum"}] == found
    assert 1 == judged("batch").exit_code
    for file, other in (("batch", "cn"), ("rows", "cn@2"), ("rows", "xx")):
        refused = judged(file, "--profile", other)
        assert (2, "profile: ") == (refused.exit_code, json.loads(refused.stdout)["message"][:9])
