"""The JSON Schemas of our exports, read by a stock validator."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types
from referencing import Registry, Resource

NAMES = ("consent-record-1", "rebit-like-1", "grant-receipt-1")


def validator(name: str) -> Any:
    """Return the validator of one schema; references reach the others and no network."""
    schemas = {each: _read(each) for each in NAMES}
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()
    )
    Draft202012Validator.check_schema(schemas[name])
    return Draft202012Validator(schemas[name], registry=registry)


def faults_of(check: Any, document: object) -> list[str]:
    """Return what is wrong with a document, each with its place."""
    return [f"{error.json_path}: {error.message}" for error in check.iter_errors(document)]


def _read(name: str) -> dict[str, Any]:
    text = files("consent.exports").joinpath("schemas", f"{name}.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
