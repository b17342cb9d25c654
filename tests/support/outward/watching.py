"""A lender with watches: add one, let the worker take turns, read what it was told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from werkzeug.test import TestResponse

from exchange.app.outward import watch_ports
from exchange.domain.ids import show, uuid7
from exchange.services.watches.keep_watch import Watched, keep_watch
from exchange_client.core.encoding import b64url
from tests.support.artefacts import changed
from tests.support.dispute_desk import DisputeDesk
from tests.support.grant_desk import shown, token


class Told(NamedTuple):
    """One event, as a lender reads it."""

    kind: str
    facts: Mapping[str, object]
    bands: Mapping[str, object] | None


@dataclass(slots=True, kw_only=True)
class WatchDesk(DisputeDesk):
    """A lender that watches its borrowers."""

    def new_watch(self, subject: int = 1, **changes: object) -> dict[str, object]:
        """Return a watch over its account of the n-th subject, as it is sent."""
        ports = self.sandbox.ports
        body: dict[str, object] = {
            "watch_id": show("wch", uuid7(ports.now_ms(), ports.random_bytes)),
            "account_ref": f"own-{subject}",
            "epoch": "ep_1",
            "tokens": [{"kind": "identity", "value": b64url(token(subject))}],
            "purpose": "account_review",
        }
        if "grant" not in changes:
            body["grant"] = self.granted(
                subject, purpose=str(changes.get("purpose", body["purpose"]))
            )
        return changed(body, changes)

    def add_watch(self, subject: int = 1, **changes: object) -> TestResponse:
        """Add a watch over its account of the n-th subject."""
        return self.send("POST", "/v1/watches", self.new_watch(subject, **changes))

    def watching(self, subject: int = 1, **changes: object) -> dict[str, object]:
        """Report an account of the n-th subject that is on time, and watch it."""
        self.uploaded([self.clean(subject, f"own-{subject}")])
        return shown(self.add_watch(subject, **changes))

    def turn(self, later_seconds: int = 0) -> Watched:
        """Sequence the log, then let the worker take a turn, so much later."""
        self.sandbox.sequence()
        ports = self.sandbox.ports
        now = ports.now() + later_seconds
        return keep_watch(watch_ports(self.sandbox.settings, replace(ports, now=lambda: now)))

    def told(self) -> list[Told]:
        """Read everything that it was told of its watches."""
        found = shown(self.send("GET", "/v1/events"))["events"]
        assert isinstance(found, list)
        listed = [Told(one["kind"], one["facts"], one.get("bands")) for one in found]
        return [one for one in listed if "watch_id" in one.facts]

    def kinds(self) -> list[str]:
        """Read which kinds of event it was told of."""
        return [one.kind for one in self.told()]

    def stands(self, watch: Mapping[str, object]) -> object:
        """Return why a watch of its own has ended; None while it lives."""
        return shown(self.send("GET", f"/v1/watches/{watch['watch_id']}"))["ended_cause"]
