"""What the leaf of a query says, laid out in its canonical bytes at once.

In:  who asks and when, once; then each query and what came of it.
Out: the payloads of both slots, as `canonical_json` would write them and the vocabulary has them
     (kinds.py); a test holds them to both.
A batch makes a thousand of each, and all that differs is a few texts.
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import NamedTuple
from uuid import UUID

import msgspec

from exchange.domain.queries import Asker, Query

_TEXT = msgspec.json.Encoder().encode


class Look(NamedTuple):
    """What came of one query."""

    subject: str  # pseudonym
    seq: int  # the subject's number in the log
    outcome: str
    reason: str
    policy: str


class QueryLeaves:
    """The payloads of one asker's queries at one time."""

    def __init__(self, asker: Asker, now: int) -> None:
        self._head = b'{"kind":"query","member":%b,"outcome":"%%b"' % _TEXT(asker.member)
        self._time = b'%%d,"t":%d}' % now
        self._key = _TEXT(f"{asker.member}/{asker.key}")

    def payloads(self, query: Query, look: Look) -> tuple[bytes, bytes]:
        """Write what the borrower may see, and what only the member and the regulator may."""
        return self._subject_payload(query, look), self._audit_payload(query, look)

    def _subject_payload(self, query: Query, look: Look) -> bytes:
        form = self._head + b',"purpose":"%b","subject":"%b","subject_seq":' + self._time
        purpose = query.purpose.encode()
        return form % (look.outcome.encode(), purpose, look.subject.encode(), look.seq)

    def _audit_payload(self, query: Query, look: Look) -> bytes:
        return (
            b'{%b"application":%b%b,"key":%b,"operator":%b,"policy":%b,"query":"qry_%b"'
            b',"reason":%b,"request_sha256":"%b"%b}'
        ) % (
            _after(query),
            _TEXT(query.application),
            _permission(query),
            self._key,
            _TEXT(query.operator),
            _TEXT(look.policy),
            digits(query.query_id),
            _TEXT(look.reason),
            b2a_base64(query.digest, newline=False),
            _step(query),
        )


def digits(value: UUID) -> bytes:
    """Write an id's 32 hex digits."""
    return b"%032x" % value.int


def _after(query: Query) -> bytes:
    if not query.after_size:
        return b""
    return b'"after":{"root":%b,"size":%d},' % (_TEXT(query.after_root), query.after_size)


def _permission(query: Query) -> bytes:
    """Write the grant, and the artefact that was not taken."""
    said = b""
    if query.refused:
        said = b',"artefact_sha256":"%b"' % b2a_base64(query.refused.sha256, newline=False)
    return said + b',"grant":"gnt_%b"' % digits(query.grant_id) if query.grant_id else said


def _step(query: Query) -> bytes:
    return b',"step":%b' % _TEXT(query.refused.step) if query.refused else b""
