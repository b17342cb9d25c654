"""The settings of the audit: what a regulator may read at once, and how flags are raised."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings


class Audit(BaseSettings):
    """What a regulator may read at once, and for how long (log.md, 11)."""

    export_entries_max: int = Field(
        10_000, ge=256, le=100_000, description="entries of one export; more: 422"
    )
    flag_policy_path: Path | None = Field(
        None, description="TOML file of the numbers by which flags are raised [the defaults]"
    )
    flag_interval_seconds: int = Field(
        3_600, ge=60, le=86_400, description="how often the worker looks for flags"
    )
    subject_release_days: int = Field(
        30, ge=1, le=366, description="a person that was opened may be searched by so long"
    )
    embargo_days_max: int = Field(
        90, ge=0, le=366, description="a person may be kept from reading of it so long; 0: never"
    )
