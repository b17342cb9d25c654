"""What the fake exchange serves, against what the SDK calls and what the exchange serves."""

from __future__ import annotations

import ast
import inspect
import json
import re

import pytest

from exchange_client import AsyncExchange, Exchange
from exchange_client.testing import FakeExchange
from exchange_client.testing.routes import LEFT_OUT, ROUTES
from tests.structure.generated import ROOT, parsed, tracked

SDK = ROOT / "clients" / "python" / "exchange_client"
# Carried out by other calls, or none: held by other tests.
WITHOUT_CALL = {"aclose", "audit", "close", "desk", "gossip", "member"}
WEBHOOKS = {name for name in dir(Exchange) if name.endswith(("webhook", "webhooks"))}


def called_paths() -> set[str]:
    """Return every path that the SDK's source writes, `{}` where something is put in."""
    texts = set()
    for path in tracked("clients/python/exchange_client/*.py"):
        if SDK / "testing" in path.parents:
            continue
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.JoinedStr):
                parts = [
                    one.value if isinstance(one, ast.Constant) else "{}" for one in node.values
                ]
                texts.add("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
    paths = {text.partition("?")[0] for text in texts if re.match(r"/(v1|audit/v1)/[a-z{]", text)}
    return {path for path in paths if " " not in path and not path.endswith("/")}


def serves(pattern: str, path: str) -> bool:
    """Tell whether a pattern of the fake is one of this path: a hole is filled by a group."""
    parts, asked = pattern.replace("[^/]", ".").split("/"), path.split("/")
    return len(parts) == len(asked) and all(
        part.startswith("(") if one == "{}" else re.fullmatch(part, one) is not None
        for part, one in zip(parts, asked, strict=True)
    )


def test_the_fake_serves_or_leaves_out_by_name_whatever_the_sdk_calls() -> None:
    """A lender whose test meets a call that the fake forgot would blame its own code."""
    called = called_paths()

    assert {"/v1/queries", "/v1/disputes/{}/answer", "/v1/status-lists/{}"} <= called
    forgotten = {
        path
        for path in called
        if not path.startswith(tuple(LEFT_OUT.values()))
        and not any(serves(pattern, path) for _, pattern, _, _ in ROUTES)
    }
    assert set() == forgotten


def test_what_the_fake_serves_the_exchange_serves() -> None:
    """A fake that knows more than the exchange lets a lender build on nothing."""
    paths = json.loads((ROOT / "tests/structure/openapi.json").read_text())["paths"]
    real = {
        (method.upper(), re.sub(r"\{[^}]*\}", "{}", path))
        for path, methods in paths.items()
        for method in methods
    }

    strange = {
        (method, pattern)
        for method, pattern, _, _ in ROUTES
        if not any(method == verb and serves(pattern, path) for verb, path in real)
    }

    assert set() == strange


def test_every_method_of_the_sdk_is_held_by_the_contract() -> None:
    """A method that only one of fake and exchange was tried with may work with that one alone."""
    source = "".join(path.read_text() for path in tracked("tests/client/sdk/*.py"))
    tried = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    public = {
        name
        for client in (Exchange, AsyncExchange)
        for name, _ in inspect.getmembers(client)
        if not name.startswith("_")
    }

    assert set() == public - tried - WITHOUT_CALL - WEBHOOKS


def test_what_is_left_out_says_so() -> None:
    """A bare 404 would read as "there is none"."""
    exchange = FakeExchange().member("lender-a")

    with pytest.raises(NotImplementedError, match="serves no GET /v1/webhooks; it leaves out: web"):
        exchange.webhooks()
