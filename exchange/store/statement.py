"""A statement: SQL text with named parameters, turned into PostgreSQL's own form once.

The driver turns `%(name)s` into `$n` again at every call when a text is long; for the statements
of the query's way that cost more than PostgreSQL itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from operator import itemgetter

from psycopg import Connection, RawCursor
from psycopg.rows import TupleRow

_NAME = re.compile(r"%\((\w+)\)s")


class Statement:
    """One SQL text, ready for the server."""

    def __init__(self, text: str) -> None:
        self.names = tuple(dict.fromkeys(_NAME.findall(text)))
        self._pick = itemgetter(*self.names) if len(self.names) > 1 else None
        place = {name: f"${n}" for n, name in enumerate(self.names, 1)}
        self.sql = _NAME.sub(lambda match: place[match[1]], text).encode()
        self.key = b"cx_" + sha256(self.sql).hexdigest()[:16].encode()  # as the server knows it

    def values(self, parameters: Mapping[str, object]) -> Sequence[object]:
        """Return named parameters in the statement's order.

        Raises:
            KeyError: one is absent.
        """
        if self._pick is None:
            return [parameters[name] for name in self.names]
        values: tuple[object, ...] = self._pick(parameters)
        return values

    def run(
        self,
        connection: Connection[TupleRow],
        parameters: Mapping[str, object],
        *,
        prepare: bool = True,
    ) -> RawCursor[TupleRow]:
        """Run it with named parameters; rows come back in binary.

        Args:
            prepare: keep a prepared plan on this connection; pass False where the number of rows
                asked about varies widely, so that each run is planned for its own size.
        """
        cursor = RawCursor(connection)
        return cursor.execute(self.sql, self.values(parameters), prepare=prepare, binary=True)


def array_of(texts: Iterable[str]) -> str:
    """Write an array of references or UUIDs as PostgreSQL's own text: a tenth of the driver's cost.

    Args:
        texts: none of them holds a quote or a backslash.
    """
    return '{"' + '","'.join(texts) + '"}'


def array_of_bytes(values: Iterable[bytes]) -> str:
    """Write an array of bytes as PostgreSQL's own text."""
    return '{"\\\\x' + '","\\\\x'.join(value.hex() for value in values) + '"}'


def copy_rows(
    connection: Connection[TupleRow],
    command: str,
    types: Sequence[str],
    rows: Iterable[Sequence[object]],
) -> None:
    """Send rows by binary COPY: the fastest way in, for rows by the hundred.

    Args:
        types: PostgreSQL's name of each column's type, in the order of the command.
    """
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
