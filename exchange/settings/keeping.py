"""Settings of what is kept and for how long, where no law sets it (records.md, 12)."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings


class Retention(BaseSettings):
    """What runs daily: the purge, what is kept beside records, the sample of evidence."""

    purge_records_max: int = Field(
        5_000, ge=1, le=100_000, description="records that one transaction of the purge removes"
    )
    evidence_samples_per_thousand: int = Field(
        5, ge=0, le=1_000, description="of a member's grants of a day, whose evidence is asked for"
    )
    fault_keep_days: int = Field(
        90, ge=1, le=3_650, description="faults of rows are kept; then the purge removes them"
    )
