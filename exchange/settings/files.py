"""The settings of record files: how much a member may send at once, and how it is worked off."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings

_MIB = 1 << 20


class Files(BaseSettings):
    """How record files are taken (records.md, 3)."""

    batch_rows_max: int = Field(
        200_000, ge=1, le=50_000_000, description="rows of a record file; more: 413"
    )
    batch_file_bytes_max: int = Field(
        64 * _MIB, ge=1_024, le=16_384 * _MIB, description="a record file, unpacked; longer: 413"
    )
    batch_body_bytes_max: int = Field(
        64 * _MIB, ge=1_024, le=64 * _MIB, description="a record file sent whole; longer: 413"
    )
    batch_part_bytes_max: int = Field(
        8 * _MIB, ge=1_024, le=64 * _MIB, description="one part of a record file; longer: 413"
    )
    batch_row_bytes_max: int = Field(
        8 << 10, ge=1_024, le=64 << 10, description="one line of a record file; longer: 422"
    )
    batch_unpack_ratio_max: int = Field(
        20, ge=2, le=100, description="unpacked bytes for each packed one; more: 413"
    )
    batch_inline_bytes_max: int = Field(
        _MIB,
        ge=0,
        le=16 * _MIB,
        description="a file that unpacks to no more is finished within its request",
    )
    batch_receiving_max: int = Field(
        8, ge=1, le=100, description="unfinished uploads of a member; more: 429"
    )
    batch_unfinished_seconds: int = Field(
        86_400, ge=60, le=604_800, description="an upload that did not end is dropped"
    )
    batch_dry_run_seconds: int = Field(
        86_400, ge=60, le=604_800, description="the faults of a dry run are kept"
    )
    batch_tries_max: int = Field(
        20, ge=1, le=1_000, description="a file is tried so often before it is abandoned"
    )
    fault_share_percent_max: int = Field(
        20, ge=0, le=100, description="share of faulty rows beyond which a whole file is refused"
    )
    work_poll_ms: int = Field(
        250, ge=10, le=60_000, description="a worker without a file looks for one"
    )
    work_statement_seconds_max: int = Field(
        900, ge=5, le=7_200, description="one SQL statement of a worker"
    )
