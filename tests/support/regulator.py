"""A regulator in front of a whole exchange: two keys of one authority, and a log with looks."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from werkzeug.test import TestResponse

from exchange.crypto.keyring import Use
from exchange.domain.members import Algorithm, NewKey, Role
from exchange.domain.notes import Note, SignatureLine
from exchange.services.audit.export_range import statement_key
from exchange.services.log.write_leaves import LeafDraft, write_leaves
from exchange.services.members.manage_members import add_key
from exchange_client.keys import KeyFile
from exchange_client.log.policy import Policy, parse_policy
from tests.support.sandbox import BASE, Sandbox, make_sandbox
from tests.support.signed_requests import Draft, signed_headers

AUTHORITY = "authority"
SUBJECT = "p:" + "0a" * 16


@dataclass(slots=True, kw_only=True)
class Regulator:
    """An authority with two people, each with a key."""

    sandbox: Sandbox
    first: KeyFile
    second: KeyFile
    lender: KeyFile

    def send(
        self, method: str, path: str, body: object = None, *, key: KeyFile | None = None
    ) -> TestResponse:
        """Sign and send a request."""
        signer = key or self.first
        assert isinstance(signer.private, Ed25519PrivateKey)
        raw = b"" if body is None else json.dumps(body).encode()
        draft = Draft(
            method=method,
            target_uri=BASE + path,
            created=self.sandbox.ports.now(),
            body=raw,
            content_type="application/json" if raw else None,
            keyid=signer.keyid,
        )
        headers = signed_headers(draft, signer.private)
        client = self.sandbox.app.test_client()
        return client.open(path, method=method, data=raw or None, headers=headers)

    def get(self, path: str, *, key: KeyFile | None = None) -> dict[str, object]:
        """Fetch JSON that must be answered with 200."""
        response = self.send("GET", f"/audit/v1/{path}", key=key)
        assert 200 == response.status_code, response.data
        read = json.loads(response.data)
        assert isinstance(read, dict)
        return read

    def size(self) -> int:
        """Fetch the size of the log; the look at it is a leaf as well."""
        found = self.get("log")["size"]
        assert isinstance(found, int)
        return found

    def looks(self, *drafts: LeafDraft) -> None:
        """Write leaves, each in a transaction of its own, and give them their index."""
        ports = self.sandbox.ports
        for draft in drafts:
            with ports.begin() as work:
                write_leaves(work, [draft], ports, ports.now())
                work.commit()
        self.sandbox.sequence()

    def fill(self, count: int) -> None:
        """Write so many looks in one transaction, each at another subject."""
        ports = self.sandbox.ports
        self.sandbox.sequence()
        with ports.begin() as work:
            drafts = [look(f"p:{number:032x}") for number in range(count)]
            write_leaves(work, drafts, ports, ports.now())
            work.commit()
        self.sandbox.sequence()

    def export(self, folder: Path, query: str) -> Path:
        """Fetch an export and unpack it."""
        response = self.send("GET", f"/audit/v1/export?{query}")
        assert 200 == response.status_code, response.data
        with tarfile.open(fileobj=io.BytesIO(response.data)) as packed:
            packed.extractall(folder)  # noqa: S202 - our own export; old Pythons know no filter
        return folder

    def policy(self) -> Policy:
        """Return what a stranger pins: the log's key and the statement key."""
        return parse_policy(self.policy_text().encode())

    def policy_text(self) -> str:
        """Write that policy."""
        statements = statement_key(self.sandbox.ports).vkey()
        return f"log {self.sandbox.pins().log_vkey}\nlog {statements}\nquorum none\n"


def look(subject: str = SUBJECT, **said: str) -> LeafDraft:
    """Draft one look of a member at a subject."""
    given = {
        "member": "member-a",
        "purpose": "credit_application",
        "outcome": "NO_DATA",
        "operator": "op-1",
        **said,
    }
    return LeafDraft(
        kind="query",
        member=given["member"],
        subject=subject,
        subject_slot={"purpose": given["purpose"], "outcome": given["outcome"]},
        audit_slot={
            "query": "qry_1",
            "request_sha256": "",
            "key": f"{given['member']}/k1",
            "operator": given["operator"],
            "application": given.get("application", "app-1"),
            "reason": "permitted",
            "policy": "cn@1",
        },
        purpose=given["purpose"],
        outcome=given["outcome"],
        operator=given["operator"],
        application=given.get("application", "app-1"),
    )


@contextmanager
def open_regulator(url: str, folder: Path, **options: object) -> Iterator[Regulator]:
    """Enrol an authority with two keys, and a lender, on a fresh, migrated database."""
    sandbox = make_sandbox(url, folder, **options)
    first, second = sandbox.enrol(AUTHORITY, Role.REGULATOR), KeyFile.generate(AUTHORITY, "k2")
    now = sandbox.ports.now()
    add_key(
        AUTHORITY,
        NewKey(
            key=second.keyid.split("/")[1],
            algorithm=Algorithm(second.algorithm.value),
            public_key=second.public_key,
            not_before=now - 60,
            not_after=now + 86_400,
        ),
        sandbox.ports,
    )
    lender = sandbox.enrol("member-a")
    yield Regulator(sandbox=sandbox, first=first, second=second, lender=lender)
    sandbox.close()


def resign(regulator: Regulator, folder: Path) -> None:
    """Sign the folder as it is now, as whoever holds the statement key could."""
    head, _, _ = (folder / "manifest").read_text().partition("file ")
    files = [one for one in folder.rglob("*") if one.is_file() and one.name != "manifest"]
    lines = [
        f"file {sha256(one.read_bytes()).hexdigest()} {one.relative_to(folder)}\n" for one in files
    ]
    sign(regulator, folder, head + "".join(lines))


def sign(regulator: Regulator, folder: Path, text: str) -> None:
    """Sign a manifest of these words."""
    ports = regulator.sandbox.ports
    key = statement_key(ports)
    signature = ports.keyring.signer(Use.STATEMENT)(text.encode())
    line = SignatureLine(name=key.name, key_id=key.key_id, signature=signature)
    (folder / "manifest").write_bytes(Note(text=text, signatures=(line,)).print())
