"""Tell whoever was answered by what a file corrects, page by page: flat memory for any file.

    note_before(file, work, ports)     before the rows are stored
    …                                 the merge, in the same transaction
    tell_after(file, work, ports)

What askers would have been shown before waits in the session's own tables, sealed under a key that
nobody keeps: it is about borrowers, and the server's disk need not know it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from exchange.domain.strict_json import loads
from exchange.errors import IntegrityError
from exchange.services.events.ports import Correction, SealedPage
from exchange.services.events.tell_corrections import (
    Cause,
    asked_since,
    look_after,
    look_before,
    tell_corrected,
)
from exchange.services.ports import Ports, Work

_PAGE_ROWS = 100


def note_before(file: str, work: Work, ports: Ports) -> None:
    """Note what each past asker would be shown now, of every subject that the file corrects."""
    work.corrections.choose(asked_since(ports))
    for after, page in _pages(work):
        bands = {
            str(one.line): {
                given.asker.member: given.before for given in look_before(one.indices, work, ports)
            }
            for one in page
        }
        content, aad = json.dumps(bands).encode(), _aad(file, after)
        wrapped, sealed = ports.sealer.seal_each([(content, aad)])[0]
        work.corrections.keep_before(after, SealedPage(ports.sealer.kek_id, wrapped, sealed))


def tell_after(file: str, work: Work, ports: Ports) -> None:
    """Tell the askers whose bands the stored rows made others.

    Raises:
        IntegrityError: what was noted does not open.
    """
    for after, page in _pages(work):
        kept = work.corrections.before(after)
        if kept is None:
            raise IntegrityError("what askers were shown before was not noted")
        aad = _aad(file, after)
        noted = loads(ports.sealer.open_key(kept.kek_id, kept.wrapped, aad).open(kept.sealed, aad))
        for one in page:
            before = noted[str(one.line)] if isinstance(noted, dict) else None
            if not isinstance(before, dict):
                raise IntegrityError("what askers were shown before is not in its own form")
            cause = Cause.DELETED if one.deleted else Cause.AMENDED
            tell_corrected(look_after(one.indices, before, work, ports), cause, work, ports)


def _pages(work: Work) -> Iterator[tuple[int, Sequence[Correction]]]:
    after = 0
    while page := work.corrections.page(after, _PAGE_ROWS):
        yield after, page
        after = page[-1].line


def _aad(file: str, after: int) -> bytes:
    return f"corrections of {file} {after}".encode()
