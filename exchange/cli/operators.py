"""`exchange operator …`: who may propose and approve, by their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.members import Encoded
from exchange.cli.opening import open_ports
from exchange.cli.proposals import put_forward
from exchange.cli.signing import KeyFile

if TYPE_CHECKING:
    from exchange.domain.operators import Operator

operator = typer.Typer(no_args_is_help=True, help="Operators and their keys.")

Name = Annotated[str, typer.Argument(help="the operator's name, as in the key file")]


@operator.command()
def add(
    name: Name,
    key: Annotated[str, typer.Argument(help="name of the key, such as k1")],
    public_key: Encoded,
    proof: Encoded,
    key_file: KeyFile = None,
) -> None:
    """Enrol an operator's key: the line of `cx init NAME --exchange ID`, said to `operator add`.

    The first two are enrolled at once; from then on one proposes and another approves.

    Example: exchange operator add cleo k1 --public-key=PUBLIC --proof=PROOF
    """
    from exchange.domain.base64url import unb64url
    from exchange.domain.operators import OPERATORS_MIN, Operator
    from exchange.services.operators.manage_operators import enrol_first, list_operators

    with open_ports() as ports:
        standing = [one for one in list_operators(ports) if one.retired_at is None]
        if len(standing) < OPERATORS_MIN:
            new = Operator(
                name=name,
                key=key,
                public_key=unb64url(public_key),
                enrolled_at=ports.now(),
                retired_at=None,
            )
            enrol_first(new, unb64url(proof), ports)
            _tell(new)
            return
    details = {"key": key, "public_key": public_key, "proof": proof}
    put_forward("operator_add", name, details, key_file)


@operator.command("list")
def list_() -> None:
    """List operators, their keys and who is retired.

    Example: exchange operator list
    """
    from exchange.services.operators.manage_operators import list_operators

    with open_ports() as ports:
        for one in list_operators(ports):
            _tell(one)


@operator.command()
def retire(name: Name, key_file: KeyFile = None) -> None:
    """Propose that an operator's word counts no more; two have to be left.

    Example: exchange operator retire cleo
    """
    put_forward("operator_retire", name, {}, key_file)


def _tell(one: Operator) -> None:
    from exchange.crypto.keyring import fingerprint

    state = "live" if one.retired_at is None else "retired"
    print(f"{one.keyid}  {state}  {fingerprint(one.public_key)}")
