"""A policy that extends another: what it inherits, and what it may not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from exchange_client import Outcome
from exchange_client.policy import Action, PolicyInvalid, load_policy, merge
from exchange_client.policy.loading import FILES_MAX
from tests.client.policy.samples import B2, CAP, HEAD, LATE_NOW, REVIEW, STOP, policy_of, rule


def write_chain(folder: Path, count: int) -> list[Path]:
    """Write files of which each extends the next, the last one none."""
    places = [folder / f"{number}.toml" for number in range(count)]
    for number, place in enumerate(places):
        more = f'extend = "{number + 1}.toml"\n' if number + 1 < count else ""
        place.write_text(HEAD + more + rule(f"r{number}", LATE_NOW, REVIEW))
    return places


def test_a_chain_is_one_policy_and_its_digest_names_every_file(tmp_path: Path) -> None:
    """A decision must name the base as well: who changes it changes what was decided by."""
    places = write_chain(tmp_path, FILES_MAX)

    policy = load_policy(places[0])

    assert [f"r{number}" for number in range(FILES_MAX)] == [one.id for one in policy.rules]
    lines = "".join(hashlib.sha256(one.read_bytes()).hexdigest() + "\n" for one in places)
    assert hashlib.sha256(lines.encode()).hexdigest() == policy.sha256
    places[-1].write_text(places[-1].read_text() + "\n")
    assert policy.sha256 != load_policy(places[0]).sha256


def test_a_chain_has_neither_a_cycle_nor_a_ninth_file(tmp_path: Path) -> None:
    """A cycle would be read for ever."""
    longer = write_chain(tmp_path, FILES_MAX + 1)
    with pytest.raises(PolicyInvalid) as long:
        load_policy(longer[0])
    longer[2].write_text(longer[2].read_text().replace("3.toml", "./0.toml"))

    with pytest.raises(PolicyInvalid) as cyclic:
        load_policy(longer[0])

    for refused, place in ((long, longer[FILES_MAX - 1]), (cyclic, longer[2])):
        found = [(one.file, one.line, one.code) for one in refused.value.faults]
        assert [(str(place), 4, "policy.extend")] == found


def test_what_a_file_inherits_it_may_use_and_not_redefine(tmp_path: Path) -> None:
    """Two meanings of one name in one policy would be anybody's guess."""
    base = HEAD + CAP + 'own_inputs = { x = "integer" }\n' + rule("r", LATE_NOW, REVIEW) + B2
    (tmp_path / "base.toml").write_text(base)
    use = rule("s", "x = { gte = 5 }", f'{REVIEW}, price_band = "b2"')
    over = 'version = "2"\nmodel = "points_v1"\nextend = "base.toml"\n'

    policy = policy_of(tmp_path, use, head=over)

    assert (("2", "1"), ["s", "r"]) == (policy.versions, [one.id for one in policy.rules])
    again = 'apr_cap = { bp = 1700, source = "x" }\nown_inputs = { x = "text" }\n'
    with pytest.raises(PolicyInvalid) as refused:
        policy_of(tmp_path, again, rule("r", LATE_NOW, STOP), B2, head=over)
    found = [(Path(one.file).name, one.line, one.code) for one in refused.value.faults]
    expected = [
        ("base.toml", 11, "policy.apr_cap"),
        ("policy.toml", 5, "policy.own_input"),
        ("policy.toml", 7, "policy.duplicate"),
        ("policy.toml", 10, "policy.duplicate"),
        ("policy.toml", 11, "policy.apr_cap"),
    ]
    assert expected == found


def test_extending_is_associative_and_loosens_nothing(tmp_path: Path) -> None:
    """What three files say together must not depend on which two were read first."""
    strict = HEAD.replace('"PROCEED"', '"STOP_NEW_CREDIT"', 1)
    cap = 'apr_cap = { bp = 900, source = "x" }\n'
    first, second, third = (
        policy_of(tmp_path, rule(name, LATE_NOW, REVIEW), head=head)
        for name, head in (("a", HEAD + CAP), ("b", strict), ("c", HEAD + cap))
    )

    left = merge(merge(first, second), third)

    assert left == merge(first, merge(second, third))
    assert left.sha256 == merge(first, merge(second, third)).sha256
    assert (Action.STOP_NEW_CREDIT, 900) == (left.defaults[Outcome.ADVERSE], left.apr_cap_bp)
