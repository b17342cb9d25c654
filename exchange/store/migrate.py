"""Bring a database to the schema of this version, one numbered revision after the other.

A revision is marked `pre` (it works with the old code and the new: run it before the deployment)
or `post` (run it after). Two runs at once take turns; a lock that is not free soon is given up.
"""

from __future__ import annotations

import time
from itertools import takewhile
from pathlib import Path

import psycopg

import migrations
from exchange.errors import LaunchError, UnavailableError

FOLDER = Path(migrations.__file__).parent
LOCK_TIMEOUT = "2s"  # a revision waits no longer for a table that is in use; run it again
_TURN_POLL_SECONDS = 0.05
_TURN = 0x6372656469740001  # key of the advisory lock that makes two runs take turns


def head() -> str:
    """Return the newest revision that this version knows."""
    return max((path.name[:4] for path in (FOLDER / "versions").glob("[0-9]*.py")), default="")


def revision(connection: psycopg.Connection[tuple[object, ...]]) -> str | None:
    """Return the revision that a database stands at, None if it has no schema yet."""
    if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def migrate(url: str, *, before_deployment: bool = False) -> list[str]:
    """Apply what is missing, and return the revisions applied.

    Args:
        url: libpq URL of the owner of the schema.
        before_deployment: stop before the first revision marked `post`.

    Raises:
        LaunchError: the database is newer than this version.
        UnavailableError: it does not answer.
    """
    try:
        connecting = psycopg.connect(url, autocommit=True)
    except psycopg.OperationalError:
        raise UnavailableError("the database is not available") from None
    with connecting as connection:
        at = revision(connection)
        if at == (head() or None):
            return []  # the usual case: decided without loading the migration engine
        if at is not None and at > head():
            raise LaunchError(
                f"the database is at revision {at}, newer than this version's {head()}"
            )
        # Asked again and again: a statement that waits would hold up an index built concurrently.
        while connection.execute("SELECT pg_try_advisory_lock(%s)", (_TURN,)).fetchone() != (True,):
            time.sleep(_TURN_POLL_SECONDS)
        return _upgrade(url, revision(connection), before_deployment=before_deployment)


def _upgrade(url: str, at: str | None, *, before_deployment: bool) -> list[str]:
    # Loaded here and not above: it costs a third of a second that only a migration owes.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"url": url, "lock_timeout": LOCK_TIMEOUT})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    revisions = reversed(list(ScriptDirectory.from_config(config).walk_revisions()))
    missing = [one for one in revisions if one.revision > (at or "")]
    if before_deployment:
        missing = list(takewhile(lambda one: one.module.PHASE == "pre", missing))
    if missing:
        command.upgrade(config, missing[-1].revision)
    return [one.revision for one in missing]
