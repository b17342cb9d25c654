"""The settings of what the exchange tells its members unasked."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, NoDecode


class Outward(BaseSettings):
    """Doorbells at members' endpoints (security.md, T9)."""

    webhooks_per_member_max: int = Field(
        10, ge=1, le=10, description="endpoints of a member; more: 422"
    )
    webhook_ports: Annotated[tuple[int, ...], NoDecode] = Field(
        (443,), description="ports that an endpoint may have"
    )
    webhook_loopback: bool = Field(
        False, description="endpoints on this machine, over plain HTTP; in a sandbox alone"
    )
    webhook_try_ms_max: int = Field(
        5_000, ge=100, le=30_000, description="one delivery, from resolving to the answer"
    )
    webhook_reply_bytes_max: int = Field(
        65_536, ge=1_024, le=1 << 20, description="of an endpoint's answer that are read"
    )
    webhook_sender_threads: int = Field(8, ge=1, le=64, description="deliveries at once a process")
    webhook_interval_ms: int = Field(
        1_000, ge=50, le=60_000, description="pause of the deliverer when nothing is due"
    )
    webhook_replay_events_max: int = Field(
        1_000, ge=1, le=100_000, description="events of one replay; more: 422"
    )
    watches_per_member_max: int = Field(
        1_000_000, ge=1, le=10_000_000, description="live watches of a member; more: 422"
    )
    watch_days: int = Field(
        400, ge=1, le=400, description="a watch that nobody renews ends after so many days"
    )
    watch_ended_keep_days: int = Field(
        30, ge=1, le=400, description="a watch that has ended is still shown"
    )
    watch_interval_ms: int = Field(
        1_000, ge=50, le=60_000, description="pause of the worker where no watch is due"
    )
