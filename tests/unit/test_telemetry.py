"""The log: one JSON object a line, fields of the allow-list, nothing of anyone's values."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from exchange import telemetry
from tests.support.log.lines import logged

CANARY = "110105199001011234"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the log goes in this test."""
    with logged() as written:
        yield written


def test_what_is_not_on_the_list_is_dropped_and_counted(stream: io.StringIO) -> None:
    """A value that slips into a log call must not reach the log."""
    telemetry.log("answered", status=200, body=CANARY, token=CANARY)

    line = json.loads(stream.getvalue())
    assert (200, 2) == (line["status"], line["dropped_fields"])
    assert CANARY not in stream.getvalue()


@pytest.mark.parametrize("text", ["a\r\nb", "\x1b[31m", '{"event":"forged"}\n', "%s%n", "\u2028"])
def test_a_hostile_value_stays_on_its_line(stream: io.StringIO, text: str) -> None:
    """A forged line would accuse someone else."""
    telemetry.log("refused", route=text)

    lines = stream.getvalue().splitlines()
    assert [text] == [json.loads(line)["route"] for line in lines]


def test_a_long_value_is_cut(stream: io.StringIO) -> None:
    """One request must not fill the disk."""
    telemetry.log("refused", route="x" * 100_000, trace=("y" * 100_000,))

    line = json.loads(stream.getvalue())
    assert (200, 200) == (len(line["route"]), len(line["trace"][0]))


def test_a_library_says_its_fixed_text_only(stream: io.StringIO) -> None:
    """Libraries put values into their messages, and into those of their exceptions."""
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("library").exception("could not store %s", CANARY)

    line = json.loads(stream.getvalue())
    assert ("could not store %s", ["ValueError"]) == (line["event"], line["trace"])
    assert CANARY not in stream.getvalue()


def test_an_alarm_is_marked(stream: io.StringIO) -> None:
    """What a person must look at is found without reading everything."""
    telemetry.alarm("refused", code="exchange.integrity")

    line = json.loads(stream.getvalue())
    assert (True, "error") == (line["alarm"], line["level"])


def test_nothing_is_written_before_it_is_configured(capsys: pytest.CaptureFixture[str]) -> None:
    """A command's output is read by programs."""
    telemetry.log("answered", status=200)

    captured = capsys.readouterr()
    assert ("", "") == (captured.out, captured.err)
