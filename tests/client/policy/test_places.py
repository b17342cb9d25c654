"""Where things stand in a TOML file: found by a scan that must see what `tomllib` reads."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_client.policy import places
from exchange_client.policy.places import line_of, lines_of
from tests.client.policy.samples import sample

HARD = '''\
a.b . "c.d" = 1 # [no] = 2
'q=' = "x # y"
s = """
[[not]] = {"a"="b"}
quote "" \\""" end"""""
l = \'\'\'
a = [\'\' ]\'\'\'
e = ["", \'\', """""", 1979-05-27 07:32:00, -1.5e3, true]
in = { x = 1, "y z" = { deep = [ { k = "}" }, 2 ] } }
many = [
  1, # one ]
  { two = 2 },
]
[t."u v"]
k = 1
[[t.list]]
k = 1
[t.list.below]
n = 2
[[t.list]]
[[t.list.inner]]
[[t.list.inner]]
"é" = \'\'
'''


def paths(value: object, at: places.Path = ()) -> Iterator[places.Path]:
    """Yield the path of everything in a value that `tomllib` made."""
    if at:
        yield at
    if isinstance(value, dict):
        for name, one in value.items():
            yield from paths(one, (*at, name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from paths(one, (*at, number))


def write(value: object) -> str:
    """Write a value inline, as TOML has it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {write(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(write, value)) + "]"
    return json.dumps(value)


# JSON's texts are TOML's, but for DEL and for what JSON writes as two surrogates.
TEXTS = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=6)
TEXTS = TEXTS.filter(lambda text: "\x7f" not in text)
VALUES = st.recursive(
    st.integers(-9, 9) | st.booleans() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "text", [HARD, HARD.replace("\n", "\r\n"), sample(), "", "# only this", "a=1"]
)
def test_the_scan_sees_what_tomllib_reads(text: str) -> None:
    """A key that the scan misses gives its faults another key's line."""
    assert set(paths(tomllib.loads(text))) == set(lines_of(text))


@given(st.lists(st.tuples(TEXTS, VALUES), max_size=4, unique_by=lambda pair: pair[0]), st.data())
def test_the_scan_sees_whatever_tomllib_reads(
    pairs: list[tuple[str, object]], data: st.DataObject
) -> None:
    """The same for every file, and each key on the line on which it was written."""
    text, expected = "", {}
    for name, value in pairs:
        text += "\n# = [\n" * data.draw(st.integers(0, 2))
        expected[name] = text.count("\n") + 1
        text += f"{json.dumps(name)} = {write(value)}\n"

    found = lines_of(text)

    assert set(paths(tomllib.loads(text))) == set(found)
    assert expected == {name: found[name,] for name in expected}


def test_a_line_is_that_of_the_key_itself() -> None:
    """Whoever is sent to another line mends the wrong rule."""
    found = lines_of(HARD)

    expected = {
        ("a", "b", "c.d"): 1,
        ("s",): 3,
        ("in", "y z", "deep", 0, "k"): 9,
        ("many", 1, "two"): 12,
        ("t", "list", 0): 16,
        ("t", "list", 0, "below", "n"): 19,
        ("t", "list", 1, "inner", 1, "é"): 23,
    }
    assert expected == {path: found[path] for path in expected}
    assert 18 == line_of(found, ("t", "list", 0, "below", "absent"))
    assert 1 == line_of(found, ("absent",))


def test_every_text_of_the_package_is_read() -> None:
    """The words that ship are TOML as well: the scan reads files of another hand."""
    folder = Path(places.__file__).parent

    for path in sorted(folder.glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        assert set(paths(tomllib.loads(text))) == set(lines_of(text)), path.name
