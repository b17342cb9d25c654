"""What the console's pages share: who sits there, what they may open, and how a page is made.

Each page names the route of the API that shows the same, and is open to the roles that the route
is open to: a test holds the two against each other, so that a page is never a second rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from flask import Blueprint, Response, request

from exchange.console.web.desk import Desk, Visit
from exchange.console.web.lists import Lists
from exchange.console.web.words import Words
from exchange.domain.lists.cursors import Reading
from exchange.domain.lists.pages import Page, PageAsk, Row
from exchange.domain.members import Role
from exchange.domain.queries import Asker
from exchange.errors import ForgedForm, RoleError
from exchange.services.seats.ports import Seated
from exchange.services.seats.sign_in_seat import who_sits

HOME = "/console"


class Entrance(NamedTuple):
    """A page of the console."""

    path: str
    roles: frozenset[Role]  # one of them is enough; none: any
    like: str  # route of the API that shows the same
    name: str  # of its title in the words; "": it is not in the menu


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """A person at the console who opened a page they may open."""

    visit: Visit
    seated: Seated
    pages: Pages

    @property
    def asker(self) -> Asker:
        """The person, as the services know who asks."""
        return self.seated.asker

    @property
    def words(self) -> Words:
        """The words of the person's language."""
        return self.pages.desk.words()

    def show(self, template: str, **values: object) -> Response:
        """Make a page."""
        return self.pages.desk.site.page(
            template,
            self.words,
            status=200,
            form=self.visit.form,
            seated=self.seated,
            menu=self.pages.menu(self.seated.roles),
            here=request.url_rule.rule if request.url_rule else "",
            zone=self.pages.desk.zone,
            **values,
        )

    def reading(self, listing: str, fields: dict[str, str]) -> Reading:
        """Name a list that the person reads, so that cursors are bound to it."""
        who = f"{self.asker.member}/{self.asker.key}"
        return Reading(member=who, listing=f"console_{listing}", filter=fields)

    def ask(self, reading: Reading) -> PageAsk:
        """Return which page of a list is asked for."""
        return self.pages.lists.ask(reading)

    def link(self, page: Page[Row], reading: Reading) -> str | None:
        """Return where a list goes on."""
        return self.pages.lists.link(page, reading, reading.filter)


View = Callable[..., Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The pages of the console as they are added."""

    routes: Blueprint
    desk: Desk
    lists: Lists
    entrances: list[Entrance] = field(default_factory=list)

    def page(self, path: str, *roles: Role, like: str, name: str = "") -> Callable[[View], View]:
        """Add a page to which these roles, one of them, open the way.

        Args:
            path: below the console's.
            roles: none: any member.
            like: route of the API that shows the same.
            name: of its title in the words, where the menu has it.
        """
        entrance = Entrance(HOME + path, frozenset(roles), like, name)
        self.entrances.append(entrance)

        def add(view: View) -> View:
            def opened(**parts: str) -> Response:
                return view(self._sitting(entrance.roles), **parts)

            self.routes.add_url_rule(entrance.path, view.__name__, opened, methods=["GET"])
            return view

        return add

    def menu(self, roles: frozenset[Role]) -> list[Entrance]:
        """Return what these roles open, in the order of the menu."""
        return [one for one in self.entrances if one.name and _open_to(one.roles, roles)]

    def seated(self) -> tuple[Visit, Seated]:
        """Return who sits here.

        Raises:
            SessionError: nobody is signed in.
        """
        visit = self.desk.visit()
        return visit, who_sits(visit.session, self.desk.borrower)

    def _sitting(self, roles: frozenset[Role]) -> Sitting:
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            # Views are logged: no other site makes somebody look.
            raise ForgedForm("the page was asked for by another site")
        visit, seated = self.seated()
        if not _open_to(roles, seated.roles):
            raise RoleError(f"this page is for: {', '.join(sorted(roles))}")
        return Sitting(visit=visit, seated=seated, pages=self)


def _open_to(asked: frozenset[Role], held: frozenset[Role]) -> bool:
    return not asked or bool(asked & held)
