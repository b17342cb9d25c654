"""Write anew what is generated from the code: the catalogues of errors and of row codes, the
OpenAPI snapshot, and the annotated settings. `make generated` calls it; tests hold the files to it.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from flask import Flask
from pydantic_core import PydanticUndefined

from exchange.api.edge.problems import status_of, title_of
from exchange.app.server import create_app
from exchange.crypto.keyring import create_keyring
from exchange.domain.rows import CATALOGUE, RowCode
from exchange.errors import ExchangeError
from exchange.settings import Settings

ROOT = Path(__file__).parents[2]
ERRORS = ROOT / "exchange" / "api" / "ERRORS.md"
ROW_CODES = ROOT / "exchange" / "api" / "ROW_CODES.md"
SDK_CODES = ROOT / "clients/python/exchange_client/validating/codes.json"
OPENAPI = ROOT / "tests" / "structure" / "openapi.json"
SETTINGS = ROOT / "deploy" / "settings.example.toml"

_ERRORS_HEAD = """\
# Errors

Generated from `exchange/errors.py` by `make generated`. The code is stable and is what a program
looks at; the title may be reworded.
The `errors` of a refused row name [row codes](ROW_CODES.md).
*Again*: the same request, signed anew under the same id, may succeed later.

| code | status | again | meaning |
|---|---|---|---|
"""
_ROW_CODES_HEAD = """\
# Row codes

Generated from `exchange/domain/rows/catalogue.py` by `make generated`. A fault file, and the
`errors` of a refused record, name a field and one of these codes, never a value. `plaus.` and
`row.superseded` are warnings. `cx batch validate FILE --explain` says the same offline. CRR is
征信业管理条例, RAC 金融资产风险分类办法; TBC is to be confirmed against the official text,
(own) is this project's choice.

| code | fields | rule | source | harm it prevents | an innocent explanation |
|---|---|---|---|---|---|
"""
_SETTINGS_HEAD = """\
# Every setting of the server, with its default. Generated from exchange/settings by
# `make generated`.
#
# EXCHANGE_CONFIG names the file. A setting may also stand in the environment as EXCHANGE_<NAME>,
# or in a file of mode 0600 that EXCHANGE_<NAME>_FILE names (do so with every secret).
# `exchange config check` prints what is in force. Units stand in the names; sizes are in bytes.
"""


def error_classes(base: type[ExchangeError] = ExchangeError) -> Iterator[type[ExchangeError]]:
    """Yield the whole error tree, root first."""
    yield base
    for child in base.__subclasses__():
        yield from error_classes(child)


def errors_page() -> str:
    """Return the catalogue of errors."""
    rows = sorted((one.code, status_of(one), one) for one in error_classes())
    lines = (
        f'| <a id="{code}"></a>`{code}` | {status} | {"yes" if one.retryable else "no"} '
        f"| {title_of(one)} |\n"
        for code, status, one in rows
    )
    return _ERRORS_HEAD + "".join(lines)


def row_codes_page() -> str:
    """Return the catalogue of row codes."""
    lines = (
        f'| <a id="{one.code}"></a>`{one.code}` | {_fields(one)} | {one.rule} | {one.source} '
        f"| {one.harm} | {one.innocent} |\n"
        for one in CATALOGUE
    )
    return _ROW_CODES_HEAD + "".join(lines)


def sdk_codes() -> str:
    """Return the same catalogue as the SDK reads it: it knows nothing of the exchange's code."""
    codes = {
        one.code: {name: value for name, value in one._asdict().items() if name != "code"}
        for one in CATALOGUE
    }
    return json.dumps(codes, indent=1, ensure_ascii=False) + "\n"


def _fields(one: RowCode) -> str:
    return " ".join(f"`{name}`" if name.isidentifier() else "any" for name in one.fields if name)


def settings_page() -> str:
    """Return the annotated example of the settings."""
    lines = [_SETTINGS_HEAD]
    for name, field in Settings.model_fields.items():
        default = None if field.default is PydanticUndefined else field.default
        shown = [str(one) for one in default] if isinstance(default, tuple) else default
        text = str(shown) if isinstance(shown, Path) else shown
        value = f"{name} = {json.dumps(text)}" if text is not None else f'{name} = ""'
        lines.append(f"\n# {field.description}{_range(field.metadata)}\n#{value}\n")
    return "".join(lines)


def application() -> Flask:
    """Build the real application; its database is never asked."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "keyring.json"
        create_keyring(path, environment="test", epoch="ep_1", now=1_700_000_000)
        url = f"postgresql:///none?host={directory}"
        app = create_app(
            Settings.model_validate(
                {"sandbox": True, "keyring_path": path, "database_url": url, "profile": "CN"}
            )
        )
        app.extensions["exchange.database"].close()
    return app


def openapi() -> str:
    """Return the description of the API as the server gives it."""
    document = application().test_client().get("/openapi.json").get_json()
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def write() -> None:
    """Write every generated file."""
    ERRORS.write_text(errors_page(), encoding="utf-8")
    ROW_CODES.write_text(row_codes_page(), encoding="utf-8")
    SDK_CODES.write_text(sdk_codes(), encoding="utf-8")
    SETTINGS.write_text(settings_page(), encoding="utf-8")
    OPENAPI.write_text(openapi(), encoding="utf-8")


def tracked(pattern: str = "*.py") -> list[Path]:
    """Return the files of the tree that git tracks, or would."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", pattern],  # noqa: S607 - git of the path
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).exists()]


@cache
def parsed(path: Path) -> ast.Module:
    """Return a file's syntax; several tests read every file's."""
    return ast.parse(path.read_text())


def _range(limits: list[object]) -> str:
    bounds = {
        name: getattr(one, name) for one in limits for name in ("ge", "le") if hasattr(one, name)
    }
    if "ge" in bounds and "le" in bounds:
        return f" ({bounds['ge']} to {bounds['le']})"
    return f" (at least {bounds['ge']})" if "ge" in bounds else ""


if __name__ == "__main__":
    write()
