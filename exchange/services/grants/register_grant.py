"""Register a grant that the member attests (evidence level 1): `POST /v1/grants`.

A race for one grant id is looked at once more.
"""

from __future__ import annotations

from consent.claims import ArtefactRefused
from consent.grants import GrantEvent
from exchange.domain.queries import Asker
from exchange.errors import GrantConflict
from exchange.services.grants.enter_grant import Entry, enter_grant
from exchange.services.grants.read_artefact import problem
from exchange.services.grants.show_grant import Standing
from exchange.services.ports import Ports


def register_grant(
    artefact: str, token: bytes, epoch: str, caller: Asker, ports: Ports
) -> Standing:
    """Register an artefact under its own id and bind it to the subject's current token.

    Raises:
        InvalidGrant: the artefact is refused; the code names the step.
        GrantConflict: the id was registered before from other bytes, or for another token.
        GrantTransition: the grant that it supersedes is not active.
        ClosedEpoch: the epoch named is not open.
    """
    index = ports.keyring.index(epoch, token)
    entry = Entry(artefact=artefact, epoch=epoch, token_index=index)
    try:
        return _register_once(entry, caller, ports)
    except GrantConflict:
        # Somebody stored this id while we looked: what is stored now decides. A second conflict
        # is a real one.
        return _register_once(entry, caller, ports)


def _register_once(entry: Entry, caller: Asker, ports: Ports) -> Standing:
    try:
        with ports.begin() as work:
            entered = enter_grant(entry, GrantEvent.REGISTER, caller, work, ports)
            work.commit()
    except ArtefactRefused as error:
        raise problem(error) from error
    return entered
