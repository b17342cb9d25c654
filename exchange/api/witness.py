"""A witness's two routes (C2SP tlog-witness): submit a checkpoint, and see the one cosigned last.

No signature of a request is asked for: what counts is the log's own, in the checkpoint.
"""

from __future__ import annotations

from flask import Flask, Response, request

from exchange.domain.log.witnessing import SIZE_TYPE
from exchange.domain.notes import NOTE_BYTES_MAX
from exchange.services.witnesses.cosign_checkpoint import (
    CosignPorts,
    Judged,
    Verdict,
    cosign_checkpoint,
    cosigned_last,
)

TEXT = "text/plain; charset=utf-8"
_BODY_BYTES_MAX = 2 * NOTE_BYTES_MAX
_STATUS = {
    Verdict.COSIGNED: 200,
    Verdict.MALFORMED: 400,
    Verdict.LOG_UNKNOWN: 404,
    Verdict.UNSIGNED: 403,
    Verdict.OTHER_SIZE: 409,
    Verdict.OTHER_ROOT: 409,
    Verdict.INCONSISTENT: 422,
}


def witness_app(ports: CosignPorts) -> Flask:
    """Build the application of a witness: it has no database and knows no member."""
    app = Flask("witness", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _BODY_BYTES_MAX

    @app.post("/add-checkpoint")
    def add_checkpoint() -> Response:
        return _answer(cosign_checkpoint(request.get_data(), ports))

    @app.get("/<origin_id>/checkpoint")
    def checkpoint(origin_id: str) -> Response:
        note = cosigned_last(origin_id, ports)
        return Response(note or b"", status=200 if note else 404, content_type=TEXT)

    return app


def _answer(judged: Judged) -> Response:
    body, media = judged.line or f"{judged.verdict.name.lower()}\n", TEXT
    if _STATUS[judged.verdict] == 409:
        body, media = f"{judged.size}\n", SIZE_TYPE
    return Response(body, status=_STATUS[judged.verdict], content_type=media)
