"""Draft the next revision from what schema.py and functions.py say beyond the newest one.

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

from exchange.store.embedded.server import Launch, start
from exchange.store.functions import FUNCTIONS
from exchange.store.migrate import FOLDER, LOCK_TIMEOUT, head, migrate

FUNCTIONS_CALL = """
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_suffix(".sql").read_bytes())
"""


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
    _add_functions(path)
    subprocess.run(["ruff", "check", "--quiet", "--fix", path], check=False)  # noqa: S607 - the environment's own
    subprocess.run(["ruff", "format", "--quiet", path], check=True)  # noqa: S607 - the environment's own
    return path


def _add_functions(path: Path) -> None:
    """Freeze what is new in functions.py into a file of this revision's own."""
    frozen = "".join(one.read_text() for one in sorted(path.parent.glob("*.sql")))
    new = [text.strip() for text in FUNCTIONS.values() if text.strip() not in frozen]
    if new:
        path.with_suffix(".sql").write_text(";\n\n".join(new) + ";\n")
        code = path.read_text().replace(
            "import sqlalchemy", "from pathlib import Path\n\nimport sqlalchemy", 1
        )
        path.write_text(code + FUNCTIONS_CALL)


if __name__ == "__main__":
    print(draft(" ".join(sys.argv[1:])))
