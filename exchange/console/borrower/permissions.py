"""A borrower's permissions: all of them, one with its history and receipt, and the end of one."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response

from exchange.console.borrower import HOME
from exchange.console.web.desk import Desk, Visit, go
from exchange.domain.ids import parse, show
from exchange.errors import AbsentError, InvalidField
from exchange.services.borrower.own_grants import (
    ShownGrant,
    list_grants,
    own_receipt,
    show_own_grant,
    withdraw_grant,
)

GRANT = f"{HOME}/grants/<number>"


def permission_pages(routes: Blueprint, desk: Desk) -> None:
    """Add the pages."""

    @routes.get(f"{HOME}/file")
    def permissions() -> Response:
        """List what the borrower allowed, each with a button that ends it."""
        visit = desk.key_visit()
        return desk.site.page(
            "borrower/file.html",
            desk.words(),
            form=visit.form,
            own=list_grants(visit.session, desk.borrower),
            grant_number=_number,
            contact=desk.contact,
            zone=desk.zone,
        )

    @routes.get(GRANT)
    def permission(number: str) -> Response:
        """Show one permission; the page is made for paper as well."""
        return _grant_page(desk, desk.key_visit(), number)

    @routes.get(f"{GRANT}/receipt")
    def receipt(number: str) -> Response:
        """Hand out the signed receipt, for any program that reads JWS."""
        session = desk.key_visit().session
        signed = own_receipt(session, _grant_id(number), desk.borrower)
        response = Response(signed, content_type="application/jose")
        response.headers["Content-Disposition"] = f'attachment; filename="{number}.jws"'
        return response

    @routes.post(f"{GRANT}/withdraw")
    def withdraw(number: str) -> Response:
        """End a permission: no reason is asked."""
        visit = desk.key_visit()
        desk.form(visit)
        withdraw_grant(visit.session, _grant_id(number), desk.borrower)
        return go(f"{HOME}/grants/{number}")


def _grant_page(desk: Desk, visit: Visit, number: str) -> Response:
    return desk.site.page(
        "borrower/grant.html",
        desk.words(),
        form=visit.form,
        grant=show_own_grant(visit.session, _grant_id(number), desk.borrower),
        number=number,
    )


def _number(grant: ShownGrant) -> str:
    return show("gnt", grant.standing.grant.grant_id)


def _grant_id(number: str) -> UUID:
    try:
        return parse("gnt", number, field="grant_id")
    except InvalidField as error:  # What is no id names nothing here.
        raise AbsentError from error
