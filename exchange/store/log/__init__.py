"""The access log in the database: the tree, and what is kept outside of it."""

from exchange.store.log.tree import LogDatabase, LogWork, Tree

__all__ = ["LogDatabase", "LogWork", "Tree"]
