"""The access log in the database: the tree, and what is shown of it."""

from exchange.store.log.database import LogDatabase, LogWork
from exchange.store.log.publication import Publication
from exchange.store.log.tree import Tree

__all__ = ["LogDatabase", "LogWork", "Publication", "Tree"]
