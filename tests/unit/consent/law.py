"""All that the law says, as JSON: `python -m tests.unit.consent.law` writes it to the vectors.

What is read from five profiles and the sandbox's notices, every word that a member is told when an
artefact or a profile is refused, and every decision whole. A difference is a new version of the
law, seen in the change that makes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from itertools import product
from pathlib import Path

from consent.artefact import Artefact, parse_artefact
from consent.claims import ArtefactRefused
from consent.decision import decide, gate
from consent.grants import GrantState
from consent.profile_values import ProfileFault
from consent.profiles import PROFILE_IDS, Profile, load_profile, parse_profile
from consent.purposes import GRANT_PURPOSES, Detail
from consent.reciprocity import Contribution, Earned, Quality, earned
from consent.sandbox.notices import sandbox_notices
from consent.terms import hold
from tests.support.artefacts import ABSENT, artefact_claims, changed
from tests.unit.consent.test_artefacts import VECTORS, judge
from tests.unit.consent.test_decide import NOW, OPEN, grant_of, request_of
from tests.unit.consent.test_decide import VECTORS as DECISIONS
from tests.unit.consent.test_profiles import FINE, FLAWS, edited

PLACE = Path(__file__).parents[2] / "vectors" / "law_v1.json"


def law() -> dict[str, object]:
    """Return the whole, as it is told today."""
    return {
        "about": "All that the law says: see tests/vectors/README.md.",
        "profiles": {each: plain(load_profile(each)) for each in PROFILE_IDS},
        "notices": {
            each: [hashlib.sha256(one).hexdigest() for one in sandbox_notices(load_profile(each))]
            for each in PROFILE_IDS
        },
        "flaws": dict(_flaws()),
        "fine": {
            f"{pattern} -> {replacement}": _rules(parse_profile(edited(pattern, replacement)))
            for pattern, replacement in FINE
        },
        "artefacts": dict(_artefacts()),
        "held": {
            purpose: plain(hold(_registered(purpose), GrantState.ACTIVE))
            for purpose in sorted(GRANT_PURPOSES)
        },
        "decisions": dict(_decisions()),
        "earned": dict(_earned()),
        "reciprocity": {
            f"{contribution} {quality}": earned(contribution, quality)
            for contribution, quality in product(Contribution, Quality)
        },
    }


def plain(value: object) -> object:
    """Return a value of the law as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, frozenset):
        return sorted(str(one) for one in value)
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value.hex() if isinstance(value, bytes) else value


def _rules(profile: Profile) -> object:
    """Return a profile without its authorities."""
    return plain(replace(profile, values=()))


def _flaws() -> Iterator[tuple[str, str]]:
    for pattern, replacement, _ in FLAWS:
        try:
            parse_profile(edited(pattern, replacement))
        except ProfileFault as fault:
            yield f"{pattern} -> {replacement}", str(fault)


def _artefacts() -> Iterator[tuple[str, object]]:
    for case in VECTORS["cases"]:
        changes = {**case["set"], **dict.fromkeys(case["remove"], ABSENT)}
        try:
            taken = judge(changed(VECTORS["claims"], changes))
        except ArtefactRefused as refused:
            yield case["name"], [refused.step, refused.field, refused.message]
        else:
            yield case["name"], plain(taken)


def _registered(purpose: str) -> Artefact:
    claims = artefact_claims(
        member=VECTORS["signer"],
        exchange=VECTORS["exchange"],
        now=VECTORS["now"],
        purpose=purpose,
        jti=VECTORS["claims"]["jti"],
    )
    return parse_artefact(claims)


def _decisions() -> Iterator[tuple[str, object]]:
    profile = load_profile(DECISIONS["profile"])
    for case in DECISIONS["cases"]:
        request, grant = request_of(case["request"]), grant_of(case["grant"])
        decision = decide(request, grant, profile, NOW)
        yield case["name"], [plain(decision), plain(gate(request, profile))]


def _earned() -> Iterator[tuple[str, object]]:
    """What each look shows, at each depth earned, asked and granted."""
    for purpose, depth, asked, granted in product(
        sorted(GRANT_PURPOSES - {"contribute"}), Earned, Detail, Detail
    ):
        request = replace(
            request_of({"purpose": purpose, "detail": asked}),
            earned=depth,
            reciprocal=depth is not Earned.NOTHING,
        )
        grant = grant_of({"purpose": purpose, "detail": granted, "own_account": True})
        decision = decide(request, grant, OPEN, NOW)
        yield f"{purpose} {depth} {asked} {granted}", plain(decision)


def main() -> None:
    """Write the vectors."""
    text = json.dumps(law(), ensure_ascii=False, indent=1, sort_keys=True)
    PLACE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
