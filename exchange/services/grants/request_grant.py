"""Request a grant that the borrower signs as well (evidence level 2).

In:  the artefact as the member signed it, and the subject's current token.
Out: the grant, REQUESTED: no use is permitted before the borrower accepts, within 72 hours.
Not here: the link that the borrower follows, the passkey, and the transaction's end: who shows the
page calls this and `change_within` (change_grant.py) in the one that stores its own rows.
"""

from __future__ import annotations

from consent.claims import ArtefactRefused
from consent.grants import GrantEvent
from exchange.domain.queries import Asker
from exchange.services.grants.enter_grant import Entry, enter_grant
from exchange.services.grants.read_artefact import problem
from exchange.services.grants.show_grant import Standing
from exchange.services.ports import Ports, Work


def request_within(entry: Entry, caller: Asker, work: Work, ports: Ports) -> Standing:
    """Request a grant within an open unit of work; the caller commits.

    Raises:
        InvalidGrant: the artefact is refused; the code names the step.
        GrantConflict: the id was registered before from other bytes, or for another token. It may
            be a race for the id, and is worth one more try in a new unit of work.
        GrantTransition: the grant that it supersedes is not active.
    """
    try:
        return enter_grant(entry, GrantEvent.REQUEST, caller, work, ports)
    except ArtefactRefused as error:
        raise problem(error) from error
