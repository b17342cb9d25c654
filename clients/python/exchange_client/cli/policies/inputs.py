"""What the member knows by itself, as `cx policy` reads it: a JSON object beside the receipt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from exchange_client.core.encoding import loads_object
from exchange_client.errors import UsageError
from exchange_client.policy.fields import Value

SUFFIX = ".inputs.json"
INPUT_BYTES_MAX = 64 * 1024


def read_inputs(receipt: Path, given: Path | None) -> Mapping[str, Value]:
    """Read the own inputs of a receipt; none where there is no file.

    Raises:
        UsageError: the file is no JSON object of integers, texts, true and false.
    """
    path = given or receipt.with_name(receipt.name + SUFFIX)
    if given is None and not path.exists():
        return {}
    with path.open("rb") as stream:
        content = stream.read(INPUT_BYTES_MAX + 1)
    try:
        read = loads_object(content[:INPUT_BYTES_MAX]) if content else {}
    except ValueError as error:
        raise UsageError(f"{path}: no own inputs: {error}") from error
    inputs = {name: value for name, value in read.items() if isinstance(value, int | str)}
    if inputs.keys() != read.keys():
        raise UsageError(f"{path}: own inputs are integers, texts, true and false")
    return inputs
