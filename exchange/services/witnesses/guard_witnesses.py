"""Ask the witnesses what they cosigned, before a log is continued.

A database can be restored from before; what a witness has seen cannot. Source: log.md, 7, step 4.
"""

from __future__ import annotations

from exchange.domain.log.policies import Witness
from exchange.domain.log.witnessing import AddCheckpoint, parse_size
from exchange.domain.merkle import EMPTY_ROOT, TreeHead
from exchange.domain.tiles import range_root, tiles_for
from exchange.errors import FormError, LogRolledBack, UnavailableError
from exchange.services.log.guard_log import read_checkpoint
from exchange.services.log.ports import CheckpointSigner, LogRef, LogWork
from exchange.services.witnesses.ports import WitnessPort
from exchange.services.witnesses.submit_checkpoint import CONFLICT, OK, SubmitPorts

ABSENT = 404


def guard_witnesses(log: LogRef, ports: SubmitPorts, signer: CheckpointSigner) -> int:
    """Hold a log against what each witness cosigned last; return how many of them answered.

    Raises:
        LogRolledBack: one has cosigned what this log does not contain.
        UnavailableError: there are witnesses to ask, and none of them answers.
    """
    asked = [witness for witness in ports.log_ports.policy.witnesses if witness.url]
    answered = 0
    for witness in asked:
        try:
            _hold_against(log, witness, ports, signer)
        except UnavailableError:
            continue
        answered += 1
    if asked and not answered:
        raise UnavailableError(f"{log.origin}: no witness answers, so nobody vouches for this log")
    return answered


def _hold_against(
    log: LogRef, witness: Witness, ports: SubmitPorts, signer: CheckpointSigner
) -> None:
    port, name = ports.reach(witness), witness.key.name
    reply = port.checkpoint(log.origin)
    with ports.log_ports.begin() as work:
        if reply.status == OK:
            try:
                head = read_checkpoint(log, reply.body, signer).head
            except FormError as error:
                raise LogRolledBack(
                    f"{log.origin}: {name} holds a note not ours: {error}"
                ) from error
            if not _contains(log, head, work):
                raise LogRolledBack(
                    f"{log.origin}: {name} cosigned what this database does not hold:\n"
                    f"{reply.body.decode()}\nthe database says:\n"
                    f"{work.tree.state(log.log_id).note}"
                )
        elif reply.status != ABSENT:
            _hold_against_size(log, port, name, work)


def _contains(log: LogRef, head: TreeHead, work: LogWork) -> bool:
    if head.size > work.tree.state(log.log_id).size:
        return False
    if head.size == 0:
        return head.root == EMPTY_ROOT
    tiles = work.tree.tiles(log.log_id, tiles_for([(0, head.size)]))
    return range_root((0, head.size), tiles) == head.root


def _hold_against_size(log: LogRef, port: WitnessPort, name: str, work: LogWork) -> None:
    """Learn the size alone, from the refusal of a submission that starts at nothing."""
    newest = work.publication.newest(log.log_id)
    if newest is None:
        raise UnavailableError(f"{name} shows no checkpoint, and there is none to ask by")
    body = AddCheckpoint(old_size=0, path=(), checkpoint=newest.note.encode()).print()
    reply = port.add_checkpoint(body)
    size = parse_size(reply.body) if reply.status == CONFLICT else 0
    if reply.status not in (OK, CONFLICT) or size is None:
        raise UnavailableError(f"{name} answers {reply.status}")
    if size > newest.size:
        raise LogRolledBack(f"{log.origin}: {name} cosigned {size} leaves; here are {newest.size}")
