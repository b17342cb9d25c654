"""`exchange notice …`: register the texts that borrowers are shown, approve and retire them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.opening import open_ports
from exchange.cli.signing import KeyFile, one_signs

if TYPE_CHECKING:
    from exchange.services.notices.ports import NoticeRow

notice = typer.Typer(no_args_is_help=True, help="The registry of notices.")

Id = Annotated[str, typer.Argument(help="the notice's id, such as ntc_application")]
Version = Annotated[str, typer.Argument(help="its version, such as 2.1.0")]
Lang = Annotated[str, typer.Argument(help="its language, such as zh-CN")]
By = Annotated[str, typer.Option(help="in a sandbox where one suffices: a name instead of a key")]


@notice.command()
def register(
    file: Annotated[Path, typer.Argument(help="the notice as one JSON document")],
    key_file: KeyFile = None,
    by: By = "",
) -> None:
    """Register a text, and approve it as the first: `exchange notice register notice.json`."""
    from exchange import settings
    from exchange.services.notices.manage_notices import notice_act, register_notice

    suffices = settings.load().one_person_suffices
    document = file.read_bytes()
    with open_ports() as ports:
        act = notice_act(document)
        approver = one_signs(act, (key_file, by), ports, names_suffice=suffices)
        _tell(register_notice(document, approver, ports), ports.now())


@notice.command()
def approve(
    notice_id: Id, version: Version, lang: Lang, key_file: KeyFile = None, by: By = ""
) -> None:
    """Approve a text as the second person: `exchange notice approve ntc_… 2.1.0 zh-CN`."""
    from exchange import settings
    from exchange.services.notices.manage_notices import approve_notice, registered_act
    from exchange.services.notices.ports import NoticeKey

    suffices = settings.load().one_person_suffices
    key = NoticeKey(notice_id, version, lang)
    with open_ports() as ports:
        act = registered_act(key, ports)
        approver = one_signs(act, (key_file, by), ports, names_suffice=suffices)
        _tell(approve_notice(key, approver, ports), ports.now())


@notice.command()
def retire(
    notice_id: Id,
    version: Version,
    lang: Lang,
    at: Annotated[int, typer.Option(help="unix seconds; 0: now")] = 0,
) -> None:
    """Let no new grant name a text: `exchange notice retire ntc_… 2.1.0 zh-CN`."""
    from exchange.services.notices.manage_notices import retire_notice
    from exchange.services.notices.ports import NoticeKey

    key = NoticeKey(notice_id, version, lang)
    with open_ports() as ports:
        _tell(retire_notice(key, at or int(time.time()), ports), ports.now())


@notice.command("list")
def list_() -> None:
    """List every text and where it stands: `exchange notice list`."""
    from exchange.services.notices.manage_notices import list_notices

    with open_ports() as ports:
        for row in list_notices(ports):
            _tell(row, ports.now())


def _tell(row: NoticeRow, now: int) -> None:
    from exchange.domain.operators import name_of
    from exchange.services.notices.manage_notices import notice_state

    state, approvers = notice_state(row, now), ", ".join(map(name_of, row.approvers))
    print(f"{' '.join(row.key)}  {row.kind}  {row.purpose}  {state}  approved by {approvers}")
    print(f"  sha256 {row.sha256.hex()}")
