"""Records of one machine in SQLite: write-ahead log, one transaction a state change."""

import sqlite3
from pathlib import Path

from weft.engine.contract.records import Change, Put, Record
from weft.model.errors import SystemFailure
from weft.store.codec import KINDS, decode, encode, key_of, kind_of

SCHEMA_VERSION = 1
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS records (kind TEXT, key TEXT, body BLOB NOT NULL, PRIMARY KEY (kind, key)) "
    "WITHOUT ROWID"
)
_PUT = "INSERT INTO records VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body"
_DELETE = "DELETE FROM records WHERE kind = ? AND key = ?"


class SqliteStore:
    """Implements weft.engine.contract.records.Store on a file, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        """Open or make the file; SystemFailure if it is not a store of this version."""
        self._path = path
        try:
            path.touch(mode=0o600)
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            # NORMAL: a crash of the daemon loses nothing, a power cut at most the last changes, never consistency
            self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=5000")
            self._check_version()
            self._database.execute(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise SystemFailure(f"cannot use the store {path}: {error}; restore the file or move it away") from error

    def _check_version(self) -> None:
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version not in (0, SCHEMA_VERSION):
            raise SystemFailure(
                f"the store {self._path} has version {version}, this Weft reads {SCHEMA_VERSION}: use a newer Weft"
            )
        self._database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def load(self) -> tuple[Record, ...]:
        """Return all records; SystemFailure names one that cannot be read."""
        rows = self._database.execute("SELECT kind, key, body FROM records").fetchall()
        return tuple(self._read(kind, key, body) for kind, key, body in rows)

    def _read(self, kind: str, key: str, body: bytes) -> Record:
        try:
            return decode(KINDS[kind], body)
        except (ValueError, TypeError, KeyError) as error:
            raise SystemFailure(f"the store {self._path} holds an unreadable {kind} {key}: {error}") from error

    def commit(self, *changes: Change) -> None:
        """Write all changes in one transaction."""
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for change in changes:
                self._write(change)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise SystemFailure(
                f"cannot write to the store {self._path}: {error}; free space or check the disk"
            ) from error

    def _write(self, change: Change) -> None:
        if isinstance(change, Put):
            record = change.record
            self._database.execute(_PUT, (kind_of(type(record)), key_of(record), encode(record)))
        else:
            self._database.execute(_DELETE, (kind_of(change.type), change.key))

    def close(self) -> None:
        """Close the file, its log checkpointed."""
        self._database.close()
