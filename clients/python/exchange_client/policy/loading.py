"""Load a policy: its file, those that it extends, and every fault of all of them at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from exchange_client.answers import Outcome
from exchange_client.grades import MODEL
from exchange_client.policy.fields import DOMAINS, OWN
from exchange_client.policy.forbidden import forbidden_word
from exchange_client.policy.rules import ID, Known, read_action, read_rules
from exchange_client.policy.sheets import Sheet, open_sheet, shown
from exchange_client.policy.values import (
    NO_PRICE,
    Action,
    Policy,
    PolicyFault,
    PolicyInvalid,
    merge,
)

FILES_MAX: Final = 8  # of one policy
APR_BP_MAX: Final = 1_000_000  # a slip of the pen, whatever the cap
SOURCE_CHARACTERS_MAX: Final = 400

_TOP: Final = (
    *("version", "model", "extend", "default", "allow_no_data"),
    *("own_inputs", "rule", "price_band", "apr_cap"),
)
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_NAME: Final = re.compile(r"\w{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inherited:
    """What a file inherits of the one that it extends; of none, nothing."""

    policy: Policy | None = None

    @property
    def own_inputs(self) -> Mapping[str, str]:
        return self.policy.own_inputs if self.policy else {}

    @property
    def price_bands(self) -> Mapping[str, int]:
        return self.policy.price_bands if self.policy else {}

    @property
    def rule_ids(self) -> frozenset[str]:
        return frozenset(one.id for one in self.policy.rules) if self.policy else frozenset()


def load_policy(path: Path | str) -> Policy:
    """Load a policy and those that it extends.

    Raises:
        PolicyInvalid: with every fault of every file.
        OSError: the file cannot be read.
    """
    faults: list[PolicyFault] = []
    sheets: list[Sheet] = []
    policy = _load(Path(path), sheets, faults)
    if policy is not None:
        _check_whole(policy, sheets)
    if policy is None or faults:
        raise PolicyInvalid(sorted(set(faults)))
    return policy


def _load(path: Path, sheets: list[Sheet], faults: list[PolicyFault]) -> Policy | None:
    """Load one file after the one that it extends, whose names it may use."""
    sheet = open_sheet(path, faults)
    if sheet is None:
        return None
    sheets.append(sheet)
    base = _base(sheet, sheets)
    own = _read(sheet, _Inherited(policy=base))
    return own if base is None else merge(own, base)


def _base(sheet: Sheet, sheets: list[Sheet]) -> Policy | None:
    if "extend" not in sheet.table:
        return None
    named, at = sheet.take(sheet.table, ("extend",), str), ("extend",)
    if named is None:
        return None
    if not named.isprintable():  # A zero byte would end the name elsewhere.
        sheet.fault(at, "policy.extend", f"{shown(named)} is no name of a file")
        return None
    path = sheet.path.parent / named
    if path.resolve() in {one.path.resolve() for one in sheets}:
        sheet.fault(at, "policy.extend", f"{shown(named)} is extended by itself")
        return None
    if len(sheets) == FILES_MAX:
        sheet.fault(at, "policy.extend", f"a policy has at most {FILES_MAX} files")
        return None
    try:
        return _load(path, sheets, sheet.faults)
    except OSError as error:
        sheet.fault(at, "policy.extend", f"{shown(named)}: {type(error).__name__}")
        return None


def _read(sheet: Sheet, inherited: _Inherited) -> Policy:
    table = sheet.table
    sheet.check_names(table, (), _TOP, ("version", "model"))
    allowed = "allow_no_data" in table and sheet.take(table, ("allow_no_data",), bool) is True
    own_inputs = _own_inputs(sheet, inherited)
    price_bands = _price_bands(sheet, inherited)
    known = Known(
        own_inputs={**inherited.own_inputs, **own_inputs},
        price_bands=frozenset(price_bands) | frozenset(inherited.price_bands),
        rule_ids=inherited.rule_ids,
        allow_no_data=allowed,
    )
    return Policy(
        versions=(_version(sheet),),
        digests=(sheet.digest,),
        model=_model(sheet),
        defaults=MappingProxyType(_defaults(sheet, allow_no_data=allowed)),
        own_inputs=MappingProxyType(own_inputs),
        rules=read_rules(sheet, known),
        price_bands=MappingProxyType(price_bands),
        apr_cap_bp=_apr_cap(sheet),
    )


def _version(sheet: Sheet) -> str:
    version = sheet.take(sheet.table, ("version",), str) if "version" in sheet.table else None
    if version is not None and not _VERSION.fullmatch(version):
        sheet.fault(("version",), "policy.value", "version must be 1 to 64 of letters, digits, ._-")
    return version or ""


def _model(sheet: Sheet) -> str:
    model = sheet.take(sheet.table, ("model",), str) if "model" in sheet.table else None
    if model is not None and model != MODEL:
        sheet.fault(("model",), "policy.model", f"{shown(model)}: known is {MODEL}")
    return model or MODEL


def _defaults(sheet: Sheet, *, allow_no_data: bool) -> dict[Outcome, Action]:
    table = sheet.table_of(sheet.table, ("default",))
    sheet.check_names(table, ("default",), list(Outcome))
    found = {}
    for outcome in Outcome:
        at = ("default", outcome.value)
        action = read_action(sheet, table, at) if outcome in table else None
        if action is None:
            continue
        found[outcome] = action
        if action is Action.REDUCE_LIMIT:
            sheet.fault(at, "policy.effect", "a default has no limit_factor: say it by a rule")
        if action is Action.PROCEED and outcome is Outcome.WITHHELD:
            sheet.fault(at, "policy.withheld", "the exchange looked nothing up: decide otherwise")
        if action is Action.PROCEED and outcome is Outcome.NO_DATA and not allow_no_data:
            sheet.fault(at, "policy.no_data", "no data is no clean record")
    return found


def _own_inputs(sheet: Sheet, inherited: _Inherited) -> dict[str, str]:
    table = sheet.table_of(sheet.table, ("own_inputs",))
    found = {}
    for name in table:
        at = ("own_inputs", name)
        kind = sheet.take(table, at, str)
        if word := forbidden_word(name):
            sheet.fault(at, "policy.forbidden_input", f"{shown(name)} speaks of {word}")
        elif name in DOMAINS or name in inherited.own_inputs or not _NAME.fullmatch(name):
            detail = f"{shown(name)}: taken, or not 1 to 64 letters, digits and _"
            sheet.fault(at, "policy.own_input", detail)
        elif kind is not None and kind not in OWN:
            sheet.fault(at, "policy.value", f"must be one of {', '.join(OWN)}")
        elif kind is not None:
            found[name] = kind
    return found


def _price_bands(sheet: Sheet, inherited: _Inherited) -> dict[str, int]:
    found = {}
    for name, table in sheet.tables("price_band").items():
        at = ("price_band", name)
        sheet.check_names(table, at, ("apr_bp",), ("apr_bp",))
        if name in inherited.price_bands:
            sheet.fault(at, "policy.duplicate", f"the extended file declares {shown(name)}")
        if name == NO_PRICE or not ID.fullmatch(name):
            detail = f"{shown(name)}: 1 to 64 of a-z, 0-9, - and _, and not {NO_PRICE}"
            sheet.fault(at, "policy.value", detail)
        found[name] = _basis_points(sheet, table, (*at, "apr_bp")) or 0
    return found


def _apr_cap(sheet: Sheet) -> int | None:
    if "apr_cap" not in sheet.table:
        return None
    table, names = sheet.table_of(sheet.table, ("apr_cap",)), ("bp", "source")
    sheet.check_names(table, ("apr_cap",), names, names)
    source = sheet.take(table, ("apr_cap", "source"), str) if "source" in table else None
    if source is not None and not 0 < len(source) <= SOURCE_CHARACTERS_MAX:
        detail = f"source must be a text of 1 to {SOURCE_CHARACTERS_MAX} characters"
        sheet.fault(("apr_cap", "source"), "policy.value", detail)
    return _basis_points(sheet, table, ("apr_cap", "bp"))


def _basis_points(sheet: Sheet, table: Mapping[str, object], at: tuple[str, ...]) -> int | None:
    value = sheet.take(table, at, int) if at[-1] in table else None
    if value is not None and not 0 <= value <= APR_BP_MAX:
        sheet.fault(at, "policy.value", f"must be 0 to {APR_BP_MAX} basis points a year")
        return None
    return value


def _check_whole(policy: Policy, sheets: list[Sheet]) -> None:
    """Check what only all files together can fulfil."""
    lacking = [one for one in Outcome if one not in policy.defaults]
    # A default that was written and refused is told of there.
    written = {name for sheet in sheets for name in sheet.table_of(sheet.table, ("default",))}
    if missing := [one for one in lacking if one not in written]:
        detail = f"there is none for {', '.join(missing)}"
        sheets[0].fault(("default",), "policy.default", detail)
    for sheet in sheets:
        for name in sheet.tables("price_band"):
            at = ("price_band", name, "apr_bp")
            if policy.apr_cap_bp is None:
                detail = 'say which cap binds: apr_cap = { bp = …, source = "…" }'
                sheet.fault(at, "policy.apr_cap", detail)
            elif policy.price_bands.get(name, 0) > policy.apr_cap_bp:
                detail = f"{shown(name)} is above the cap of {policy.apr_cap_bp}"
                sheet.fault(at, "policy.apr_cap", detail)
