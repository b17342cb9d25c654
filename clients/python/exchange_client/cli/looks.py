"""`cx looks`: check what a borrower took home, without asking the exchange."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from exchange_client.cli.options import Pinned, Telling
from exchange_client.cli.telling import tell
from exchange_client.errors import UsageError
from exchange_client.log.looks import (
    FILE_BYTES_MAX,
    VerifiedLook,
    VerifiedLooks,
    VerifiedSubject,
    verify_looks,
)
from exchange_client.log.policy import Policy


def verify(
    telling: Telling,
    pinned: Pinned,
    file: Annotated[Path, typer.Argument(help="the statement, as the borrower's page gave it")],
    policy: Annotated[
        Path | None, typer.Option(envvar="CX_POLICY", help="asks for a quorum of witnesses")
    ] = None,
) -> None:
    """Verify who looked at a borrower, and that nobody else did: nothing is sent anywhere."""
    verified = verify_looks(
        _read(file),
        pinned.load(),
        now=telling.outside.clock(),
        policy=None if policy is None else Policy.load(policy),
    )
    tell(_shown(verified), _lines(verified), as_json=telling.as_json)


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise UsageError(f"{file}: larger than {FILE_BYTES_MAX} bytes")
        return file.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: no readable statement ({type(error).__name__})") from error


def _shown(verified: VerifiedLooks) -> dict[str, object]:
    return {
        "verified": True,
        "log": verified.origin,
        "issued": verified.issued_at,
        "tree_size": verified.size,
        "held": list(verified.held),
        "subjects": [
            {
                "subject": one.stated.subject,
                "complete": one.complete,
                "sealed": None if one.index is None else one.index.day,
                "sealed_count": None if one.index is None else one.index.count,
                "numbered": one.stated.numbered,
                "hidden": one.stated.hidden,
                "older": one.stated.older,
                "erased": one.stated.erased,
                "looks": [
                    {
                        "number": look.number,
                        "index": look.index,
                        "withheld_until": look.withheld_until,
                        "said": look.said,
                    }
                    for look in one.looks
                ],
            }
            for one in verified.subjects
        ],
    }


def _lines(verified: VerifiedLooks) -> str:
    lines = [
        f"verified     {sum(len(one.looks) for one in verified.subjects)} entries of "
        f"{verified.origin}, as of {_when(verified.issued_at)}"
    ]
    for one in verified.subjects:
        lines += [f"subject      {one.stated.subject}", *map(_line, one.looks), *_sealed(one)]
    if 8 not in verified.held:
        lines.append("not checked: witnesses; no policy was given, or nothing has an index yet")
    return "\n".join(lines)


def _line(look: VerifiedLook) -> str:
    place = "no index yet" if look.index is None else f"index {look.index}"
    if look.withheld_until is not None:
        return f"{look.number:>9}  {place}: withheld until {_when(look.withheld_until)}"
    at = look.said.get("t")
    words = ("kind", "event", "member", "purpose", "outcome")
    said = " ".join(str(look.said[name]) for name in words if name in look.said)
    return f"{look.number:>9}  {place}: {_when(at) if isinstance(at, int) else ''} {said}".rstrip()


def _sealed(one: VerifiedSubject) -> list[str]:
    if one.index is None:
        return ["not sealed yet: no index counted this subject"]
    count, stated = one.index.count, one.stated
    told = [f"sealed       {one.index.day}: {count} of the first {one.index.size} entries"]
    if one.complete:
        told.append("complete     nobody else looked, up to the index")
    for number, what in (
        (stated.hidden, "are not open to this passkey"),
        (stated.older, "are older than this statement lists"),
        (stated.erased, "were erased by order"),
    ):
        if number:
            told.append(f"not listed   {number} {what}")
    return told


def _when(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
