"""A borrower's own file: what is held, who looked, and a proof for each look."""

from __future__ import annotations

from flask import Blueprint, Response, request

from exchange.console.borrower import HOME
from exchange.console.web.desk import Desk
from exchange.console.web.words import Words
from exchange.domain.base64url import b64url, unb64url
from exchange.domain.records import date_of
from exchange.errors import AbsentError
from exchange.services.borrower.looks.prove_look import prove_look
from exchange.services.borrower.looks.state_looks import state_looks
from exchange.services.borrower.looks.view_looks import view_looks
from exchange.services.borrower.view_records import view_records
from exchange.services.log.prove_leaf import Promised, Proven

LOOKS = f"{HOME}/looks"
STATEMENT_TYPE = "application/jose"
PROOF_TYPE = "text/plain; charset=utf-8"
_HASH_BYTES = 32
_MINOR_DIGITS = 2  # of every currency that a profile names


def file_pages(routes: Blueprint, desk: Desk) -> None:
    """Add the pages."""

    @routes.get(f"{HOME}/records")
    def records() -> Response:
        """Show what lenders report about the person."""
        visit, words = desk.key_visit(), desk.words()
        return desk.site.page(
            "borrower/records.html",
            words,
            form=visit.form,
            records=view_records(visit.session, desk.borrower),
            amount=_amount,
            date=lambda days: _date(words, days),
        )

    @routes.get(LOOKS)
    def looks() -> Response:
        """Show who looked, newest first."""
        visit, words = desk.key_visit(), desk.words()
        before = request.args.get("before")
        return desk.site.page(
            "borrower/looks.html",
            words,
            form=visit.form,
            page=view_looks(
                visit.session, None if before is None else _leaf_hash(before), desk.borrower
            ),
            b64url=b64url,
            zone=desk.zone,
            word=lambda room, name, other: (
                words.texts.get(f"{room}.{name}") or words(f"{room}.{other}")
            ),
        )

    @routes.get(f"{LOOKS}/statement")
    def statement() -> Response:
        """Hand out the signed statement of who looked."""
        stated = state_looks(desk.key_visit().session, desk.borrower)
        response = Response(stated, content_type=STATEMENT_TYPE)
        response.headers["Content-Disposition"] = 'attachment; filename="looks.jws"'
        return response

    @routes.get(f"{LOOKS}/<leaf>")
    def proof(leaf: str) -> Response:
        """Hand out the proof of one entry, the part for auditors closed."""
        found = prove_look(desk.key_visit().session, _leaf_hash(leaf), desk.borrower)
        return _file(found, f"{leaf}.tlog-proof")


def _file(found: Proven | Promised, name: str) -> Response:
    if isinstance(found, Promised):
        return Response(
            found.promise,
            status=202,
            content_type=PROOF_TYPE,
            headers={"Retry-After": str(found.retry_after_seconds)},
        )
    response = Response(found.proof, content_type=PROOF_TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _leaf_hash(text: str) -> bytes:
    try:
        value = unb64url(text)
    except ValueError as error:  # What is no hash names nothing here.
        raise AbsentError from error
    if len(value) != _HASH_BYTES:
        raise AbsentError
    return value


def _date(words: Words, days: int) -> str:
    when = date_of(days)
    return words("form.day", day=when.day, month=words(f"month.{when.month}"), year=when.year)


def _amount(minor: int, currency: str) -> str:
    whole, part = divmod(minor, 10**_MINOR_DIGITS)
    return f"{whole:,}.{part:0{_MINOR_DIGITS}} {currency}"
