"""Operators' key files on the command line: opened, asked for their passphrase, and used once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from exchange.domain.operators import OPERATORS_MIN

if TYPE_CHECKING:
    from exchange.crypto.operator_keys import OperatorKey
    from exchange.services.ports import Ports

KeyFile = Annotated[
    Path | None,
    typer.Option(
        envvar="EXCHANGE_OPERATOR_KEY_FILE", help="your key as operator; `cx init NAME` makes one"
    ),
]
KeyFiles = Annotated[
    list[Path] | None, typer.Option("--key-file", help="an operator's key; give two, of two people")
]
Names = Annotated[
    list[str] | None, typer.Option("--by", help="in a sandbox where one suffices: names instead")
]
Act: TypeAlias = tuple[str, str, Mapping[str, object]]  # kind, whom it is about, what it says
Signers: TypeAlias = "tuple[OperatorKey | str, ...]"
ACT_PREFIX = "prp"


def open_signer(key_file: Path | None) -> OperatorKey:
    """Open an operator's key; a sealed one asks for its passphrase on the terminal."""
    from exchange.crypto.operator_keys import is_sealed, open_key
    from exchange.errors import InvalidField

    if key_file is None:
        raise typer.BadParameter("must name your key file", param_hint="--key-file")
    try:
        sealed = is_sealed(key_file)
        asked = f"Passphrase of {key_file.name}"
        passphrase = str(typer.prompt(asked, hide_input=True, err=True)) if sealed else None
        return open_key(key_file, passphrase)
    except InvalidField as error:
        raise typer.BadParameter(str(error), param_hint="--key-file") from None


def two_people(
    key_files: Sequence[Path] | None, names: Sequence[str] | None, *, names_suffice: bool
) -> Signers:
    """Open two operators' keys; or take names, in a sandbox where one person suffices."""
    if names_suffice and names:
        return _two(tuple(names))
    if len(key_files or ()) < OPERATORS_MIN:
        raise typer.BadParameter("must name two people's key files", param_hint="--key-file")
    return tuple(open_signer(one) for one in key_files or ())


def two_sign(act: Act, signers: Signers, ports: Ports) -> tuple[str, ...]:
    """Let two operators sign an act that is done at once; return their words, or their names.

    Args:
        act: its kind, whom it is about, and what else it says.
        signers: as `two_people` opened them.
        ports: to the store.
    """
    from exchange.domain.ids import show, uuid7
    from exchange.domain.operators import change_digest
    from exchange.services.operators.take_words import take_words

    keys = [one for one in signers if not isinstance(one, str)]
    if not keys:
        return tuple(one for one in signers if isinstance(one, str))
    of = show(ACT_PREFIX, uuid7(ports.now_ms(), ports.random_bytes))
    words = [key.say(ports.terms.issuer, of, change_digest(*act)) for key in keys]
    return take_words(act, words, ports)


def one_signs(
    act: Act,
    signer: tuple[Path | None, str],
    ports: Ports,
    *,
    names_suffice: bool,
) -> str:
    """Let one operator of two sign something that is bound to its bytes for good, such as a text.

    Args:
        act: its kind, whom it is about, and what else it says.
        signer: a key file; or a name, in a sandbox where one person suffices.
        ports: to the store.
        names_suffice: whether it is such a sandbox.
    """
    from exchange.domain.operators import change_digest
    from exchange.services.operators.take_words import take_word

    key_file, name = signer
    if names_suffice and name:
        return name
    word = open_signer(key_file).say(ports.terms.issuer, act[0], change_digest(*act))
    return take_word(act, word, ports)


def _two(names: tuple[str, ...]) -> tuple[str, ...]:
    if len({name.strip() for name in names} - {""}) < OPERATORS_MIN:
        raise typer.BadParameter("must name two different people", param_hint="--by")
    return names
