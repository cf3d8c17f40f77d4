"""The database: tables, connections and questions. SQLite and PostgreSQL behind one `Store`."""

from .engine import SchemaMismatch, Store, connect

__all__ = ["SchemaMismatch", "Store", "connect"]
