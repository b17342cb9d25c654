"""`cx audit`: search, export and verify the access log, and open a person by two people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from exchange_client.audit import flows
from exchange_client.audit.export import VerifiedExport, verify_export
from exchange_client.audit.rows import Row, Wanted, row_of, table
from exchange_client.cli.logs import Trusted
from exchange_client.cli.options import Keyed, Pinned, Telling, open_exchange
from exchange_client.cli.subjects import IdFile, read_subject
from exchange_client.cli.telling import tell
from exchange_client.client import Exchange
from exchange_client.core.ids import new_id
from exchange_client.errors import UsageError
from exchange_client.log.policy import Policy

ROWS_MAX = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Official:
    """Who asks for the authority; what is read from a folder needs nobody."""

    key_file: Annotated[
        Path | None, typer.Option(envvar="CX_KEY_FILE", help="the key file of this person")
    ] = None

    def open(self, telling: Telling, pinned: Pinned) -> Exchange:
        """Open the SDK.

        Raises:
            UsageError: no key file is named.
        """
        if self.key_file is None:
            raise UsageError("--key-file is missing: the exchange is asked under a key")
        return open_exchange(telling, pinned, Keyed(key_file=self.key_file))


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What is searched for."""

    member: Annotated[str | None, typer.Option(help="whose looks, reports or loans")] = None
    subject: Annotated[str | None, typer.Option(help="a pseudonym that was released")] = None
    purpose: Annotated[str | None, typer.Option(help="the purpose stated")] = None
    operator: Annotated[str | None, typer.Option(help="the member's own name of who asked")] = None
    outcome: Annotated[str | None, typer.Option(help="such as ADVERSE or WITHHELD")] = None
    kind: Annotated[str | None, typer.Option(help="kind of entry, such as query")] = None
    since: Annotated[str | None, typer.Option("--from", help="YYYY-MM-DD, or unix seconds")] = None
    until: Annotated[str | None, typer.Option("--to", help="the same; not included")] = None

    def wanted(self) -> Wanted:
        """Read the times."""
        return Wanted(
            member=self.member,
            subject=self.subject,
            purpose=self.purpose,
            operator=self.operator,
            outcome=self.outcome,
            kind=self.kind,
            since=read_time(self.since),
            until=read_time(self.until),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Where rows come from and how they are shown."""

    folder: Annotated[
        Path | None, typer.Option("--dir", help="search a verified export, and ask nobody")
    ] = None
    policy: Annotated[
        Path | None, typer.Option(envvar="CX_POLICY", help="keys for --dir [the pins]")
    ] = None
    flag: Annotated[str | None, typer.Option(help="a rule: what its flags name as hits")] = None
    proof: Annotated[bool, typer.Option("--proof", help="a .tlog-proof with each row")] = False
    rows: Annotated[int, typer.Option(min=1, max=ROWS_MAX, help="rows at most")] = 1_000
    csv: Annotated[bool, typer.Option("--csv", help="a table that holds no formula")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The range that is exported."""

    first: Annotated[int, typer.Option("--from-index", min=0, help="first index")] = 0
    end: Annotated[
        int | None, typer.Option("--to-index", min=1, help="first index not wanted [the size]")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What both persons say, each alone."""

    case: Annotated[str, typer.Option(help="the case, as the other person knows it")]
    embargo_until: Annotated[
        str | None,
        typer.Option(help="the person reads of it only then: YYYY-MM-DD, or unix seconds"),
    ] = None

    def read(self) -> flows.Case:
        """Read the time."""
        return flows.Case(name=self.case, embargo_until=read_time(self.embargo_until))


def search(
    telling: Telling, pinned: Pinned, official: Official, narrowed: Narrowed, shown: Shown
) -> None:
    """Search the log at the exchange, or an export: what a search leaves out, that one shows."""
    if shown.folder is not None:
        found = _search_export(shown, pinned, narrowed.wanted())
    else:
        asked = _asked(narrowed, shown)
        with official.open(telling, pinned) as exchange:
            found = exchange.audit(flows.search(asked, rows_max=shown.rows))
    if shown.csv:
        typer.echo(table(found.rows), nl=False)
        return
    value = {"total": found.total, "checkpoint": found.checkpoint, "entries": found.rows}
    head = f"found        {found.total}, showing {len(found.rows)}\n"
    tell(value, head + "\n".join(map(_line, found.rows)), as_json=telling.as_json)


def export(
    telling: Telling,
    pinned: Pinned,
    official: Official,
    folder: Annotated[Path, typer.Argument(help="where the export goes")],
    reach: Reach,
) -> None:
    """Export a range of the log, and verify it: every index opened or accounted for."""
    with official.open(telling, pinned) as exchange:
        parts = exchange.audit(flows.export(exchange.pins, folder, reach.first, reach.end))
        policy = flows.policy_of(exchange.pins)
    verified = verify_export(folder, policy)
    value = {**_verified(verified), "parts": len(parts)}
    tell(value, _verified_lines(verified), as_json=telling.as_json)


def verify(
    telling: Telling,
    trusted: Trusted,
    folder: Annotated[Path, typer.Argument(help="an export, whole or in parts")],
) -> None:
    """Verify an export from its folder and the policy's keys alone: nobody is asked."""
    verified = verify_export(folder, trusted.load())
    tell(_verified(verified), _verified_lines(verified), as_json=telling.as_json)


def open_person(
    telling: Telling,
    pinned: Pinned,
    official: Official,
    id_file: IdFile,
    why: Why,
) -> None:
    """Ask to open a person; a second person of the authority releases it."""
    identifiers = read_subject(id_file)
    with official.open(telling, pinned) as exchange:
        flow = flows.ask_subject(exchange.desk, identifiers, why.read(), new_id("opn"))
        opening = exchange.audit(flow)
    text = f"asked        {opening['opening_id']}: now `cx audit release` with a second key"
    tell(opening, text, as_json=telling.as_json)


def release(
    telling: Telling,
    pinned: Pinned,
    official: Official,
    opening: Annotated[str, typer.Argument(help="what `cx audit open` told")],
    why: Why,
) -> None:
    """Release a person that somebody else of the authority asked to open."""
    with official.open(telling, pinned) as exchange:
        released = exchange.audit(flows.release_subject(opening, why.read()))
    subjects = released.get("subjects")
    named = " ".join(map(str, subjects)) if isinstance(subjects, list) else ""
    tell(released, f"released     {named}", as_json=telling.as_json)


def read_time(text: str | None) -> int | None:
    """Read a date (UTC) or unix seconds.

    Raises:
        UsageError: it is neither.
    """
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise UsageError("a time is YYYY-MM-DD, or unix seconds") from error


def policy_for(policy: Path | None, pinned: Pinned) -> Policy:
    """Read the policy, or make one of the pins."""
    return flows.policy_of(pinned.load()) if policy is None else Policy.load(policy)


def _search_export(shown: Shown, pinned: Pinned, wanted: Wanted) -> flows.Found:
    if shown.folder is None or shown.flag is not None or shown.proof:
        raise UsageError("an export is searched without --flag and --proof: it is proven whole")
    verified = verify_export(shown.folder, policy_for(shown.policy, pinned))
    rows = [row_of(leaf) for leaf in verified.leaves if wanted.takes(leaf)]
    note = verified.witnessed.note.decode()
    return flows.Found(rows=rows[: shown.rows], total=len(rows), checkpoint=note)


def _asked(narrowed: Narrowed, shown: Shown) -> dict[str, str]:
    wanted = narrowed.wanted()
    asked = {
        **{name: getattr(wanted, name) for name in ("member", "subject", "purpose", "operator")},
        "outcome": wanted.outcome,
        "kind": wanted.kind,
        "flag": shown.flag,
        "from": wanted.since,
        "to": wanted.until,
        "proof": 1 if shown.proof else None,
    }
    return {name: str(value) for name, value in asked.items() if value is not None}


def _line(row: Row) -> str:
    if "type" not in row:
        return f"{row['index']:>9}  closed, erased by {row.get('erased_by')}"
    agents = row.get("agent")
    agent = agents[0] if isinstance(agents, list) and agents else {}
    said = agent if isinstance(agent, dict) else {}
    who = f"{said.get('who', '')} {said.get('operator') or said.get('user') or ''}"
    what = f"{row.get('purposeOfEvent', '')} {row.get('outcome', '')}"
    at = row.get("recorded")
    when = (
        datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S") if isinstance(at, int) else ""
    )
    return f"{row['index']:>9}  {when}  {row['type']:<16} {who:<30} {what}"


def _verified(verified: VerifiedExport) -> dict[str, object]:
    checkpoint = verified.witnessed.checkpoint
    return {
        "verified": True,
        "origin": checkpoint.origin,
        "size": checkpoint.head.size,
        "from_index": verified.first,
        "to_index": verified.end,
        "counts": verified.counts(),
        "erased_elsewhere": verified.erased_elsewhere(),
        "recounted": asdict(verified.recounted),
        "approved": asdict(verified.approved),
        "quorum_at": verified.witnessed.quorum_at,
    }


def _verified_lines(verified: VerifiedExport) -> str:
    checkpoint = verified.witnessed.checkpoint
    lines = [
        f"verified     {verified.end - verified.first} entries, {verified.first} up to "
        f"{verified.end} of {checkpoint.head.size}, {checkpoint.origin}"
    ]
    lines += [f"  {kind:<18} {count}" for kind, count in verified.counts().items()]
    recounted = verified.recounted
    lines.append(f"recounted    {recounted.usages} usages, {recounted.index_roots} index roots")
    if recounted.not_recounted:
        lines.append(f"not recounted: {recounted.not_recounted} daily entries (erased, or outside)")
    approved = verified.approved
    lines.append(f"two keys     signed {approved.by_two_keys} changes that take two people")
    for said, indices in (
        ("not signed by two keys", approved.unsigned),
        ("not checked: keys of an earlier log, or nobody's", approved.strange),
    ):
        if indices:
            lines.append(f"{said}: {len(indices)}, first at index {indices[0]}")
    if verified.witnessed.quorum_at is None:
        lines.append("not checked: witnesses; the policy asks for none")
    return "\n".join(lines)
