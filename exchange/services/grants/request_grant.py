"""Request a grant that the borrower signs as well (evidence level 2).

In:  the artefact as the member signed it, and the subject's current token.
Out: the grant, REQUESTED: no use is permitted before the borrower accepts, within 72 hours.
Not here: the link that the borrower follows, and the passkey. Who shows the page calls
`request_within` and `change_within` (change_grant.py) in the transaction that stores its own rows.
"""

from __future__ import annotations

from consent.claims import ArtefactRefused
from consent.grants import GrantEvent
from exchange.domain.queries import Asker
from exchange.services.grants.enter_grant import Entry, enter_grant
from exchange.services.grants.read_artefact import problem
from exchange.services.grants.register_grant import enter_alone
from exchange.services.grants.show_grant import Standing
from exchange.services.ports import Ports, Work


def request_grant(artefact: str, token: bytes, epoch: str, caller: Asker, ports: Ports) -> Standing:
    """Request a grant in a transaction of its own.

    Raises:
        InvalidGrant: the artefact is refused; the code names the step.
        GrantConflict: the id was registered before from other bytes, or for another token.
        GrantTransition: the grant that it supersedes is not active.
        ClosedEpoch: the epoch named is not open.
    """
    index = ports.keyring.index(epoch, token)
    entry = Entry(artefact=artefact, epoch=epoch, token_index=index)
    return enter_alone(entry, GrantEvent.REQUEST, caller, ports)


def request_within(entry: Entry, caller: Asker, work: Work, ports: Ports) -> Standing:
    """Request a grant within an open unit of work; the caller commits.

    Raises:
        InvalidGrant, GrantConflict, GrantTransition: as `request_grant`; a conflict may be a race
            for the id, and is worth one more try in a new unit of work.
    """
    try:
        return enter_grant(entry, GrantEvent.REQUEST, caller, work, ports)
    except ArtefactRefused as error:
        raise problem(error) from error
