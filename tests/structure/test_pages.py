"""What the pages name exists, and what exists they name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.store.rights import ROLES
from tests.structure.generated import ROOT, tracked
from tests.structure.test_examples import COMMANDS, FILLED

PAGES = sorted(path for path in tracked("*.md") if "vendor" not in path.parts)
RUNBOOK = ROOT / "deploy" / "RUNBOOK.md"
INDEX = {"exchange": RUNBOOK, "cx": ROOT / "clients" / "python" / "README.md"}
_NAMED = re.compile(r"`((?:exchange|cx) [^`]+)`|^((?:exchange|cx) .+)$", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)")
_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_OPTION = re.compile(r"--[a-z][a-z-]*")


def command_lines(page: Path) -> Iterator[str]:
    """Yield each command line that a page names, in a sentence or in a block."""
    for inline, line in _NAMED.findall(page.read_text()):
        yield re.sub(r"\s+#.*", "", inline or line)


def fault(line: str) -> str | None:
    """Say what is wrong with a command line; None if there is such a command with such options."""
    words = line.split()
    for count in range(len(words), 1, -1):
        if found := COMMANDS.get(" ".join(words[:count])):
            options = {one for taken in found[0].params for one in taken.opts}  # type: ignore[attr-defined]  # click
            options |= {one for taken in found[0].params for one in taken.secondary_opts}  # type: ignore[attr-defined]  # click
            unknown = set(_OPTION.findall(line)) - options - {"--help"}
            return f"{line}: no {', '.join(sorted(unknown))}" if unknown else None
    group = line.removesuffix("…").strip() + " "  # `exchange dispute`, `cx webhook …`
    return None if any(one.startswith(group) for one in COMMANDS) else f"{line}: no such command"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_what_exists(page: Path) -> None:
    """At 3 am nobody has the time to find out what a command is called now."""
    links = _LINK.findall(page.read_text())

    assert [] == [told for line in command_lines(page) if (told := fault(line))]
    assert [] == [link for link in links if not leads(page, *link)]


def leads(page: Path, place: str, heading: str) -> bool:
    """Tell whether a link of a page leads somewhere: to a file, and a heading or anchor of it."""
    aim = page.parent / place if place else page
    if not heading:
        return aim.exists()
    text = aim.read_text()
    slugs = {
        re.sub(r"[^\w\- ]", "", one).strip().lower().replace(" ", "-")
        for one in re.findall(r"(?m)^#+ (.+)$", text)
    }
    return heading in slugs or f'<a id="{heading}">' in text


@pytest.mark.parametrize(
    "page",
    [one for one in PAGES if _BLOCK.search(one.read_text())],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_each_line_of_a_block_is_taken_as_it_stands(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever copies a line must not be told first what it lacks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CX_KEY_FILE", "key.json")
    monkeypatch.setenv("CX_POLICY", "policy.txt")
    targets = re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text())
    lines = [line for text in _BLOCK.findall(page.read_text()) for line in text.splitlines()]

    for line in lines:
        words = shlex.split(filled(line), comments=True)
        if words[:1] == ["make"]:
            assert set(words[1:]) <= set(targets)
        elif words and words[0] in INDEX:
            count = next(n for n in range(len(words), 1, -1) if " ".join(words[:n]) in COMMANDS)
            for name in words:  # Some commands look for their texts at once.
                if name.endswith(".txt"):
                    (tmp_path / name).touch()
            command, _ = COMMANDS[" ".join(words[:count])]
            end = words.index(">") if ">" in words else len(words)
            taken = command.make_context(line, words[count:end])  # type: ignore[attr-defined]  # click
            assert not taken.args


def filled(line: str) -> str:
    """Put something where a line leaves a place for it."""
    for placeholder, value in FILLED.items():
        line = line.replace(placeholder, value)
    return line


@pytest.mark.parametrize("program", INDEX)
def test_every_command_is_on_the_page_of_whoever_types_it(program: str) -> None:
    """A command that no page names is found by those alone who wrote it."""
    named = "\n".join(command_lines(INDEX[program]))

    assert [] == [
        words
        for words in COMMANDS
        if words.startswith(f"{program} ") and not re.search(rf"^{words}\b(?!-)", named, re.M)
    ]


def test_the_rooms_of_the_server_are_all_described() -> None:
    """A newcomer looks for the room first; one that is not in the table is never entered."""
    page = (ROOT / "exchange" / "README.md").read_text()
    table = page.split("| room |")[1].split("\n\n")[0]
    rooms = {path.parent.name for path in (ROOT / "exchange").glob("*/__init__.py")}

    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]

    assert sorted(rooms) == sorted(re.findall(r"`(\w+)/`", "".join(first)))


def test_the_runbook_tells_of_every_figure_and_of_no_other() -> None:
    """An alarm on a figure that is called otherwise stays silent."""
    code = "".join(
        (ROOT / "exchange" / name).read_text() for name in ("telemetry.py", "app/edge.py")
    )
    counted = set(re.findall(r'Counter\(\s*"(cx_\w+)"', code))
    figures = set(re.findall(r"[\"'](cx_[a-z_]+)[\"'{]", code)) - counted

    told = set(re.findall(r"`(cx_\w+)", RUNBOOK.read_text())) - set(ROLES)

    assert figures | {f"{one}_total" for one in counted} == told


def test_decisions_are_numbered_in_their_order() -> None:
    """A reference to entry 29 must lead to one entry."""
    page = (ROOT / "exchange" / "DECISIONS.md").read_text()

    numbers = [int(one) for one in re.findall(r"\n\n## (\d+)\. ", page)]

    assert list(range(1, len(numbers) + 1)) == numbers
    assert len(numbers) == page.count("\n## ")
