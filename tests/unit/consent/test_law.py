"""What the law says today is what it said when it was last read by people."""

from __future__ import annotations

import json

from tests.unit.consent.law import PLACE, law, plain


def test_the_law_says_what_it_said() -> None:
    """No value, no word to a member and no decision changes unseen."""
    told = json.loads(PLACE.read_text(encoding="utf-8"))

    today = plain(law())

    assert told == today
