"""The metadata that every table belongs to, and the columns that recur."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, MetaData, Text
from sqlalchemy import text as sql

metadata = MetaData()


def at(name: str, *, nullable: bool = False) -> Column[int]:
    """Unix seconds."""
    return Column(name, BigInteger, nullable=nullable)


def text(name: str, *, nullable: bool = False) -> Column[str]:
    """Text, not null unless said."""
    return Column(name, Text, nullable=nullable)


def blob(name: str, *, nullable: bool = False) -> Column[bytes]:
    """Bytes, not null unless said."""
    return Column(name, LargeBinary, nullable=nullable)


def flag(name: str, *, default: bool) -> Column[bool]:
    """A claim that holds or not."""
    return Column(name, Boolean, nullable=False, server_default=sql(str(default).lower()))


def count(name: str, *, nullable: bool = False, default: int | None = 0) -> Column[int]:
    """A whole number of things."""
    server_default = None if default is None else sql(str(default))
    return Column(name, Integer, nullable=nullable, server_default=server_default)
