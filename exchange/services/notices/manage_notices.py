"""Register notices, approve and retire them: each an `admin` leaf.

A text is never changed: another text is another version. No artefact may name it before two people
have approved it, nor after it is retired. Who registers it is the first to approve.
"""

from __future__ import annotations

from consent.notices import APPROVERS_MIN, NoticeRefused, parse_notice, version_key
from consent.sandbox.notices import sandbox_adverse_notices, sandbox_notices
from exchange.domain.base64url import b64url
from exchange.domain.operators import name_of
from exchange.errors import AbsentError, InvalidField, InvalidNotice, NoticeConflict
from exchange.services.log.write_leaves import LeafDraft, standard_base64, write_leaves
from exchange.services.notices.ports import NoticeKey, NoticeRow
from exchange.services.ports import Ports, Work

_SANDBOX_APPROVERS = ("sandbox-first", "sandbox-second")


def notice_act(document: bytes) -> tuple[str, str, dict[str, object]]:
    """Return what an operator signs of a text: which one it is, and its digest.

    Raises:
        InvalidNotice: it is no notice of this form.
    """
    try:
        notice = parse_notice(document)
    except NoticeRefused as error:
        raise InvalidNotice(str(error)) from error
    about = f"{notice.id} {notice.version} {notice.lang}"
    return "notice", about, {"sha256": b64url(notice.sha256)}


def registered_act(key: NoticeKey, ports: Ports) -> tuple[str, str, dict[str, object]]:
    """Return the same of a text that is registered.

    Raises:
        AbsentError: there is no such notice.
    """
    with ports.begin() as work:
        stored = work.notices.find(key)
    if stored is None:
        raise AbsentError("no such notice")
    return "notice", " ".join(key), {"sha256": b64url(stored.sha256)}


def register_notice(document: bytes, approver: str, ports: Ports) -> NoticeRow:
    """Register a notice byte for byte; the same bytes again change nothing.

    Raises:
        InvalidNotice: it is no notice of this form, or not of this exchange's jurisdiction.
        NoticeConflict: the id, version and language name another text, or a later version is there.
    """
    try:
        notice = parse_notice(document)
    except NoticeRefused as error:
        raise InvalidNotice(str(error)) from error
    if notice.jurisdiction != ports.terms.profile.id:
        raise InvalidNotice("jurisdiction: must be that of the profile in force")
    key = NoticeKey(notice.id, notice.version, notice.lang)
    with ports.begin() as work:
        stored = work.notices.find(key)
        if stored and stored.sha256 == notice.sha256:
            return stored
        _check_newest(key, work)
        if stored or not work.notices.register(notice, document, [approver], ports.now()):
            raise NoticeConflict("this id, version and language name another text")
        found = _log("notice_registered", key, work, ports)
        work.commit()
    return found


def approve_notice(key: NoticeKey, approver: str, ports: Ports) -> NoticeRow:
    """Approve a notice as one more person; with the second it may be shown.

    Raises:
        AbsentError: there is no such notice.
        NoticeConflict: this person has approved it already.
    """
    with ports.begin() as work:
        stored = work.notices.find(key)
        if stored is None:
            raise AbsentError("no such notice")
        same = name_of(approver) in map(name_of, stored.approvers)  # Under whichever key.
        if same or not work.notices.approve(key, approver, ports.now()):
            raise NoticeConflict("this person has approved it already; it takes another one")
        found = _log("notice_approved", key, work, ports)
        work.commit()
    return found


def retire_notice(key: NoticeKey, at: int, ports: Ports) -> NoticeRow:
    """Let no new artefact name a notice from a time on; grants given under it stand.

    Raises:
        AbsentError: there is no such notice.
        InvalidField: the time has passed.
    """
    now = ports.now()
    if at < now:
        raise InvalidField("must not have passed", field="at")
    with ports.begin() as work:
        if not work.notices.retire(key, at):
            raise AbsentError("no such notice")
        found = _log("notice_retired", key, work, ports)
        work.commit()
    return found


def list_notices(ports: Ports) -> list[NoticeRow]:
    """List every notice, the ones not approved and the retired ones as well."""
    with ports.begin() as work:
        return work.notices.all()


def notice_document(sha256: bytes, ports: Ports) -> bytes:
    """Return a registered text, byte for byte, by its digest.

    Raises:
        AbsentError: no such text is registered.
    """
    with ports.begin() as work:
        document = work.notices.document(sha256)
    if document is None:
        raise AbsentError
    return document


def notice_state(row: NoticeRow, now: int) -> str:
    """Say where a notice stands: proposed, live or retired."""
    if row.retired_at is not None and now >= row.retired_at:
        return "retired"
    return "live" if len(row.approvers) >= APPROVERS_MIN else "proposed"


def seed_notices(ports: Ports) -> None:
    """Register the synthetic notices of a sandbox, once.

    Nobody approved them, so no leaf says that somebody did.
    """
    now = ports.now()
    with ports.begin() as work:
        profile = ports.terms.profile
        documents = (*sandbox_notices(profile), *sandbox_adverse_notices(profile))
        texts = [(parse_notice(document), document) for document in documents]
        work.notices.register_each(texts, _SANDBOX_APPROVERS, now)
        work.commit()


def _check_newest(key: NoticeKey, work: Work) -> None:
    """Refuse a version older than one that is there: versions only rise."""
    known = [
        one.key.version
        for one in work.notices.all()
        if (one.key.notice_id, one.key.lang) == (key.notice_id, key.lang)
    ]
    if any(version_key(version) > version_key(key.version) for version in known):
        raise NoticeConflict("a later version of this notice is registered")


def _log(event: str, key: NoticeKey, work: Work, ports: Ports) -> NoticeRow:
    row = work.notices.find(key)
    if row is None:
        raise AbsentError("no such notice")
    approvers = list(row.approvers)
    draft = LeafDraft(
        kind="admin",
        member="",
        subject_slot={"event": event},
        audit_slot={"approvers": approvers, "after_sha256": standard_base64(row.sha256)},
    )
    write_leaves(work, [draft], ports, ports.now())
    return row
