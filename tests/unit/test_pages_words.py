"""The words, templates and files of the pages: whole in each language, and ours to the byte."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from string import Formatter

import pytest

from consent.grants import Actor, GrantEvent, GrantState
from consent.purposes import FINDING_FIELDS, Fetch, Purpose
from exchange.console.web import assets
from exchange.console.web.site import TEMPLATES
from exchange.console.web.words import LANGUAGES, choose_language, load_words
from exchange.domain.findings import Outcome
from exchange.domain.records import Product, Status, SubjectRole
from exchange.errors import IntegrityError

ROOMS: dict[str, Iterable[str]] = {
    "state": GrantState,
    "event": GrantEvent,
    "actor": Actor,
    "purpose": Purpose,
    "field": sorted(FINDING_FIELDS),
    "status": Status,
    "product": Product,
    "role": SubjectRole,
    "outcome": Outcome,
    "request": Fetch,
}


def named(text: str) -> set[str]:
    """Return the values that a text names."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_language_has_the_same_words_and_names_the_same_values() -> None:
    """A sentence that is missing in one language is missing for those who read that one."""
    first, *others = load_words().values()

    for words in others:
        assert first.texts.keys() == words.texts.keys()
        assert [] == [
            key for key, text in words.texts.items() if named(text) != named(first.texts[key])
        ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_that_a_page_may_show_has_words(language: str) -> None:
    """A code on a page tells its reader nothing, and a missing one breaks the page."""
    texts = load_words()[language].texts

    missing = [
        f"{room}.{code}"
        for room, codes in ROOMS.items()
        for code in codes
        if f"{room}.{code}" not in texts
    ]

    assert [] == missing


def test_every_word_that_a_template_asks_for_is_there() -> None:
    """A page that fails on a rare branch fails the one person who needs it."""
    texts = load_words()["en"].texts
    asked = {
        key
        for path in TEMPLATES.rglob("*.html")
        for key in re.findall(r"\bt\('([a-z_.]+)'[,)]", path.read_text())
    }

    assert asked
    assert set() == asked - texts.keys()


def test_every_input_has_a_label_and_every_form_its_token() -> None:
    """An input without a name cannot be filled by who does not see it."""
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        shown = re.findall(r'<input (?![^>]*type="hidden")[^>]*id="([^"]+)"', text)
        inputs = re.findall(r'<input (?![^>]*type="hidden")', text)

        assert len(inputs) == len(shown)
        assert [] == [one for one in shown if f'for="{one}"' not in text]
        assert text.count('method="post"') == text.count('name="form" value="{{ form }}"')


@pytest.mark.parametrize(
    ("wanted", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "zh", "zh-CN"),
        (None, "zh-TW,en;q=0.5", "zh-CN"),
        (None, "fr, de;q=0.9, zh-CN;q=0.1", "zh-CN"),
        (None, "fr", "en"),
        ("zh-CN", "en", "zh-CN"),
        ("en", "zh-CN", "en"),
        ("../../x", "", "en"),
    ],
)
def test_a_person_is_met_in_a_language_they_read(
    wanted: str | None, accepted: str, language: str
) -> None:
    """The first page already must be one that its reader understands."""
    assert language == choose_language(wanted, accepted)


def test_a_file_that_somebody_changed_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script that was swapped could sign whatever it likes in a borrower's name."""
    shutil.copytree(assets.FOLDER, tmp_path / "assets")
    script = tmp_path / "assets" / "passkey.js"
    script.write_text(script.read_text() + "\n")
    monkeypatch.setattr(assets, "FOLDER", tmp_path / "assets")

    with pytest.raises(IntegrityError, match=r"passkey\.js"):
        assets.load_assets()


def test_every_file_of_the_pages_is_listed_and_asks_for_nothing_elsewhere() -> None:
    """One address of a stranger in a style sheet tells the stranger who reads the page."""
    listed = assets.load_assets()

    assert set(listed) == {path.name for path in assets.FOLDER.iterdir()} - {"SHA256SUMS"}
    texts = [one.content.decode() for one in listed.values()]
    texts = [text.replace("http://www.w3.org/2000/svg", "") for text in texts]
    texts += [path.read_text() for path in TEMPLATES.rglob("*.html")]
    assert [] == [text for text in texts if re.search(r"https?:|//[a-z]|@import|eval\(", text)]
