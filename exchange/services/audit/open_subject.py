"""Open a person to an authority: one asks, with a case; a second releases.

In:  the subject's tokens under one epoch, or an opening that was asked for.
Out: the pseudonyms the person has in the log; only once released do searches take them.
Both steps are leaves about the person: whoever was opened will see that they were, and when.
An embargo puts that off: the first names its end, the second the same one, and both leaves hold
it. Nobody moves it afterwards. Source: log.md, 11 and 12; security.md, T10.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from exchange.domain.leaves import JsonValue, canonical_json
from exchange.domain.queries import Asker
from exchange.errors import AbsentError, ConflictError, InvalidField, SecondPersonNeeded
from exchange.services.audit.log_access import Access, log_access
from exchange.services.audit.ports import AuditPorts, SubjectOpening


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningAsk:
    """Who is to be opened, and in which case."""

    opening_id: UUID  # made by the client
    epoch: str
    tokens: tuple[bytes, ...]  # 64 bytes each
    case: str
    embargo_until: int | None = None  # unix seconds: the person reads of it only then


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What the second person says, as the first one said it."""

    case: str
    embargo_until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An opening as it stands."""

    opening: SubjectOpening
    replayed: bool  # nothing was changed: it stood so before


def ask_subject(ask: OpeningAsk, asker: Asker, audit_ports: AuditPorts) -> Opened:
    """Ask to open a person; the same id and question again is the same request.

    Raises:
        ClosedEpoch: the epoch is not open. ConflictError: the id was used for another question.
        InvalidField: the embargo has ended already, or lasts longer than any may.
    """
    ports = audit_ports.ports
    now, keyring = ports.now(), ports.keyring
    indices = [keyring.index(ask.epoch, token) for token in ask.tokens]
    wanted = SubjectOpening(
        opening_id=ask.opening_id,
        member=asker.member,
        digest=_digest(ask, indices),
        subjects=tuple(dict.fromkeys(keyring.pseudonym(index) for index in indices)),
        case=ask.case,
        asked_by=asker.key,
        asked_at=now,
        released_by=None,
        released_at=None,
        embargo_until=ask.embargo_until,
    )
    with audit_ports.begin() as work:
        stands, fresh = work.audit.ask_opening(wanted)
        if (stands.member, stands.digest) != (wanted.member, wanted.digest):
            raise ConflictError("this id was used before for another question")
        if not fresh:
            return Opened(opening=stands, replayed=True)
        _check_embargo(ask.embargo_until, now, audit_ports.embargo_seconds_max)
        log_access(work, _access(stands, "asked", asker), ports, now)
        work.commit()
    return Opened(opening=stands, replayed=False)


def release_subject(
    opening_id: UUID, said: Release, asker: Asker, audit_ports: AuditPorts
) -> Opened:
    """Release what another person of the same authority asked for.

    Args:
        said: the case and the embargo, as the second person knows them.

    Raises:
        InvalidField: it was asked for in another case, or with another embargo.
        AbsentError: there is no such opening of this authority.
        SecondPersonNeeded: whoever asked cannot release.
    """
    ports = audit_ports.ports
    now = ports.now()
    with audit_ports.begin() as work:
        found = work.audit.lock_opening(opening_id)
        if found is None or found.member != asker.member:
            raise AbsentError
        if found.asked_by == asker.key:
            raise SecondPersonNeeded("another key of this authority releases it")
        if found.case != said.case:
            raise InvalidField("must be the case in which it was asked for", field="case")
        if found.embargo_until != said.embargo_until:
            raise InvalidField("must be the end that was asked for", field="embargo_until")
        if found.released_by is not None:
            return Opened(opening=found, replayed=True)
        work.audit.release_opening(opening_id, by=asker.key, at=now)
        log_access(work, _access(found, "released", asker), ports, now)
        work.commit()
    released = found._replace(released_by=asker.key, released_at=now)
    return Opened(opening=released, replayed=False)


def _check_embargo(until: int | None, now: int, seconds_max: int) -> None:
    if until is not None and not now < until <= now + seconds_max:
        raise InvalidField(
            f"must lie ahead, by at most {seconds_max} seconds", field="embargo_until"
        )


def _digest(ask: OpeningAsk, indices: list[bytes]) -> bytes:
    content: dict[str, JsonValue] = {
        "case": ask.case,
        "epoch": ask.epoch,
        "indices": [index.hex() for index in indices],
    }
    if ask.embargo_until is not None:
        content["embargo_until"] = ask.embargo_until
    return sha256(canonical_json(content)).digest()


def _access(opening: SubjectOpening, event: str, asker: Asker) -> Access:
    return Access(
        asker=asker,
        what={"list": "subjects", "event": event, "opening": opening.opening_id.hex},
        rows=len(opening.subjects),
        subjects=opening.subjects,
        case=opening.case,
        embargo_until=opening.embargo_until,
    )
