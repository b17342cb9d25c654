"""Every command's help shows an example, and each example is a command line that is taken."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from exchange.cli.main import app as operator
from exchange_client.cli.main import app as member
from tests.structure.generated import ROOT

PROGRAMS = {"exchange": operator, "cx": member}
# Placeholders that only a person can fill, and what a test puts there.
FILLED = {
    "gnt_…": "gnt_0192f3a0000070008000000000000001",
    "dsp_…": "dsp_0192f3a0000070008000000000000001",
    "ntc_…": "ntc_application",
    "wch_…": "wch_0192f3a0000070008000000000000001",
    "PUBLIC": "AA",
    "PROOF": "AA",
    "…": "anything",
}
_EXAMPLE = re.compile(r"Example: (.+)|`((?:exchange|cx) [^`]+)`")


def commands() -> Iterator[tuple[str, object, str]]:
    """Yield (its words, the command, its help) of every command of both programs."""
    waiting: list[tuple[tuple[str, ...], object]] = [
        ((name,), typer.main.get_command(app)) for name, app in PROGRAMS.items()
    ]
    while waiting:
        words, command = waiting.pop()
        below = getattr(command, "commands", {})
        waiting += [((*words, name), one) for name, one in below.items()]
        if not below:
            yield " ".join(words), command, str(getattr(command, "help", "") or "")


COMMANDS = {words: (command, told) for words, command, told in commands()}


@pytest.mark.parametrize("words", COMMANDS)
def test_the_example_of_a_command_can_be_typed(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An example with an option that is gone costs its reader the trust in all the others."""
    command, told = COMMANDS[words]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("The text.")
    monkeypatch.setenv("CX_KEY_FILE", "key.json")
    found = [one or other for one, other in _EXAMPLE.findall(told)]
    typed = next((one for one in found if one.startswith(words)), "")
    for placeholder, value in FILLED.items():
        typed = typed.replace(placeholder, value)

    arguments = shlex.split(typed.removeprefix(words))

    assert typed, f"{words}: no example in its help"
    taken = command.make_context(words, arguments)  # type: ignore[attr-defined]  # a click command
    assert not taken.args


@pytest.mark.parametrize(("name", "folder"), [("exchange", ""), ("cx", "clients/python")])
def test_a_program_tells_its_version(name: str, folder: str) -> None:
    """The first question of whoever is asked for help."""
    told = CliRunner().invoke(PROGRAMS[name], ["--version"])

    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    assert (0, project["version"]) == (told.exit_code, told.output.split()[-1])
