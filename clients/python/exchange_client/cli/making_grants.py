"""`cx grant make` and `renew`: from a file of terms to a signed grant, checked, not yet sent."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated

import typer

from exchange_client.cli.options import Keyed, Pinned, Telling, ask_passphrase
from exchange_client.cli.subjects import IdFile, read_one
from exchange_client.cli.telling import tell
from exchange_client.errors import UsageError
from exchange_client.grants import Grant, build, evidence_of_file, evidence_to_sign, renewal
from exchange_client.grants.permissions import check_grant
from exchange_client.keys import KeyFile, is_wrapped

TERMS_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What a grant is made of, and where it goes."""

    terms: Annotated[
        Path,
        typer.Option(
            help="TOML: purpose, subject.ref, notice, collection, retention, jurisdiction, "
            "withdrawal"
        ),
    ]
    id_file: IdFile
    out: Annotated[Path, typer.Option(help="where the grant and its salt are kept, mode 0600")]
    evidence: Annotated[
        Path | None,
        typer.Option(
            help="what you keep as evidence: its hash goes in, it stays with you; without it the "
            "borrower signs, see `cx grant request`"
        ),
    ] = None
    media: Annotated[str, typer.Option(help="media type of the evidence")] = "application/pdf"

    def said(self, member: str) -> dict[str, object]:
        """Return the terms, with the evidence described."""
        if self.evidence is None:
            return {**_terms(self.terms), "evidence": evidence_to_sign()}
        evidence = evidence_of_file(self.evidence, media=self.media, member=member)
        return {**_terms(self.terms), "evidence": evidence}


def make(telling: Telling, pinned: Pinned, keyed: Keyed, paper: Paper) -> None:
    """Make and sign a grant; it is checked by the exchange's own rules, and not sent yet."""
    key = _key(keyed)
    grant = build(read_one(paper.id_file), paper.said(key.member), key=key, pins=pinned.load())
    _write(grant, telling, pinned, paper.out)


def renew(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    file: Annotated[Path, typer.Argument(help="the grant that is to be renewed")],
    paper: Paper,
) -> None:
    """Make a grant that takes the place of an older one, once it is registered."""
    key, older, subject = _key(keyed), Grant.load(file), read_one(paper.id_file)
    older.check_subject(subject)
    terms = renewal(older, paper.said(key.member))
    _write(build(subject, terms, key=key, pins=pinned.load()), telling, pinned, paper.out)


def _write(grant: Grant, telling: Telling, pinned: Pinned, out: Path) -> None:
    check_grant(grant, pinned.load(), now=telling.outside.clock())
    grant.save(out)
    value = {"grant_id": grant.grant_id, "file": str(out)}
    tell(value, f"{grant.grant_id}\n  kept in {out}", as_json=telling.as_json)


def _key(keyed: Keyed) -> KeyFile:
    sealed = is_wrapped(keyed.key_file)
    passphrase = ask_passphrase(confirm=False) if sealed else None
    return KeyFile.load(keyed.key_file, passphrase=passphrase)


def _terms(path: Path) -> dict[str, object]:
    with path.open("rb") as file:
        raw = file.read(TERMS_BYTES_MAX + 1)
    try:
        if len(raw) > TERMS_BYTES_MAX:
            raise ValueError("too long")
        read = tomllib.loads(raw.decode("utf-8"))
    except ValueError as error:
        raise UsageError(f"{path}: no TOML file of terms") from error
    return {name: _plain(path, name, value) for name, value in read.items()}


def _plain(path: Path, name: str, value: object) -> object:
    """Return a value as artefacts hold it: a moment as unix seconds."""
    if isinstance(value, dict):
        return {below: _plain(path, f"{name}.{below}", one) for below, one in value.items()}
    if isinstance(value, datetime) and value.tzinfo is not None:
        return int(value.timestamp())
    if isinstance(value, date | time):  # Also a moment that does not say where it was.
        raise UsageError(f"{path}: {name}: a moment is as 2026-11-28T10:00:00+08:00")
    return value
