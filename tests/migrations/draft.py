"""Draft the next revision from what schema.py says beyond the newest one.

    .venv/bin/python -m tests.migrations.draft "Add the table of watches"

The draft is read, completed and marked `pre` or `post` by hand.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from exchange.store.embedded import Launch, start
from exchange.store.migrate import FOLDER, LOCK_TIMEOUT, head, migrate


def draft(message: str) -> Path:
    """Write the next revision and return its file."""
    number = f"{int(head() or '0') + 1:04}"
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        server = start(Launch(data_dir=Path(directory) / "d", sandbox=True, durable=False))
        try:
            migrate(server.url)
            config = Config(attributes={"url": server.url, "lock_timeout": LOCK_TIMEOUT})
            config.set_main_option("script_location", str(FOLDER))
            config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
            command.revision(config, message, autogenerate=True, rev_id=number)
        finally:
            server.stop()
    path = next((FOLDER / "versions").glob(f"{number}_*.py"))
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line for line in lines if "# ###" not in line) + "\n")
    subprocess.run(["ruff", "check", "--quiet", "--fix", path], check=False)  # noqa: S607
    subprocess.run(["ruff", "format", "--quiet", path], check=True)  # noqa: S607
    return path


if __name__ == "__main__":
    print(draft(" ".join(sys.argv[1:])))
