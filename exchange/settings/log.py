"""Settings of the access log."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class AccessLog(BaseSettings):
    """The rhythm of the access log (log.md, 6 and 9)."""

    sequence_interval_ms: int = Field(
        1_000, ge=200, le=10_000, description="the sequencer's turn: a checkpoint each"
    )
    sequence_rows_max: int = Field(5_000, ge=1, le=100_000, description="leaves a turn")
    log_late_seconds_max: int = Field(
        300, ge=5, le=3_600, description="with an older unsequenced leaf queries stop: 503"
    )
    heartbeat_seconds: int = Field(
        0, ge=0, le=86_400, description="a leaf that says nothing, each so often; 0: none"
    )
    log_restart: str = Field(
        "",
        pattern=r"^([0-9]{4}-r[1-9][0-9]?)?$",
        description="the log in a year's place, such as 2026-r1; see `exchange recover`",
    )
    publish_interval_ms: int = Field(
        5_000, ge=200, le=60_000, description="the newest checkpoint goes to all witnesses again"
    )
    publish_new_ms: int = Field(
        1_000, ge=100, le=60_000, description="a checkpoint that is new goes to them within"
    )
    log_access: Literal["capability", "open"] = Field(
        "capability", description="who may fetch tiles: members by a path of their own, or anyone"
    )
