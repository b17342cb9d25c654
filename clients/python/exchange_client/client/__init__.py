"""The SDK's front door, twice: `Exchange`, and `AsyncExchange` for asyncio."""

from __future__ import annotations

from exchange_client.client.aio import AsyncExchange
from exchange_client.client.sync import Exchange

__all__ = ["AsyncExchange", "Exchange"]
