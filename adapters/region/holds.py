"""The register of protection holds of one region's gateway: `HoldRegister` (DOMAIN 7.5, 9.5.1).

A person stands in it as a keyed hash of a document's number and nothing else: the file names nobody, and cannot be
searched without the key, which is no part of it. Matters in which a held person's content passed are noted, so that
later contents of the same matter that name nobody are protected too. Tags and matters are kept in memory as well, since
every content asks; only the register adds any.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from adapters.region.database import RegionDatabase
from contracts.counting import add_months
from contracts.errors import RuleError, UnavailableError
from contracts.ids import OfficeId
from contracts.instant import day_start_ms, local_day
from contracts.profile_identities import identities
from contracts.safety_hold import load_hold_rules, person_bytes, protect

HOLD_LABEL: Final = b"pprd-hold/v1\n\0"
"""Separates the tag of a person from other keyed hashes."""
_MONTHS: Final = 12


class Hold(NamedTuple):
    """One hold.

    Attributes:
        hold_id: By which it is reviewed and lifted, 16 bytes.
        office: Who set it.
        set_on: The day in Shanghai.
        review_on: From this day on it is to be reviewed; it holds until it is lifted.
    """

    hold_id: bytes
    office: OfficeId
    set_on: date
    review_on: date


class HoldRegister:
    """The holds of one region.

    Args:
        database: The region's file.
        key: 32 secret bytes; None where this gateway has no register yet.
    """

    def __init__(self, database: RegionDatabase, key: bytes | None) -> None:
        self._db = database
        self._key = key
        if key is None and database.one("SELECT 1 FROM safety_holds LIMIT 1") is not None:
            raise UnavailableError("KEY_MISSING", "there are protection holds and no holds.key to read them with")
        self._look()

    def _look(self) -> None:
        """Read who is held, and where content about them passed."""
        self._tags = {tag for (tag,) in self._db.all("SELECT tag FROM safety_holds")}
        self._streams = {stream_id for (stream_id,) in self._db.all("SELECT stream_id FROM held_streams")}

    def set(self, identity: Mapping[str, Any], office: OfficeId, hold_id: bytes, now_ms: int) -> Hold:
        """Set a hold; of a person who has one already, that one stays.

        Args:
            identity: An identity core.
            office: Who sets it.
            hold_id: 16 random bytes.
            now_ms: Milliseconds.
        """
        tag, review_ms = self._tag(identity), _review_ms(now_ms)
        with self._db.transaction():
            self._db.write(
                "INSERT OR IGNORE INTO safety_holds VALUES (?,?,?,?,?)", hold_id, tag, office, now_ms, review_ms
            )
        self._look()
        (kept,) = (hold for hold in self._holds("WHERE tag=?", tag))
        return kept

    def review(self, hold_id: bytes, now_ms: int) -> Hold:
        """Keep a hold for another year.

        Raises:
            RuleError: NOT_FOUND.
        """
        with self._db.transaction():
            self._db.write("UPDATE safety_holds SET review_at=? WHERE hold_id=?", _review_ms(now_ms), hold_id)
        found = next(self._holds("WHERE hold_id=?", hold_id), None)
        if found is None:
            raise RuleError("NOT_FOUND", "the register has no such hold", field="hold")
        return found

    def lift(self, hold_id: bytes) -> None:
        """End a hold; what it kept back before stays where it was.

        Raises:
            RuleError: NOT_FOUND.
        """
        with self._db.transaction():
            if not self._db.write("DELETE FROM safety_holds WHERE hold_id=?", hold_id):
                raise RuleError("NOT_FOUND", "the register has no such hold", field="hold")
        self._look()

    def all(self) -> list[Hold]:
        """Every hold, the one to be reviewed first at the head."""
        return list(self._holds("ORDER BY review_at, hold_id"))

    def protected(
        self, stream_id: bytes, profile_id: str, schema: Mapping[str, Any], content: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The content as it may leave.

        Args:
            stream_id: Its matter.
            profile_id: Its profile.
            schema: JSON of the profile's schema.
            content: All its fields; `safety_hold` says that the office itself knows of a hold.

        Raises:
            RuleError: SAFETY_HOLD: it may not leave at all.
        """
        is_held = any(map(self._is_held, identities(schema, content)))
        if is_held:
            with self._db.transaction():
                self._db.write("INSERT OR IGNORE INTO held_streams VALUES (?)", stream_id)
            self._streams.add(stream_id)
        if is_held or content["safety_hold"] or self._is_held_stream(stream_id):
            return protect(profile_id, content)
        return content

    def _is_held(self, identity: Mapping[str, Any]) -> bool:
        return bool(self._tags) and self._tag(identity) in self._tags

    def _is_held_stream(self, stream_id: bytes) -> bool:
        """Whether content about a held person passed; the file says so last, for a matter that ended is forgotten."""
        return stream_id in self._streams and is_held_stream(self._db, stream_id)

    def _tag(self, identity: Mapping[str, Any]) -> bytes:
        if self._key is None:
            raise UnavailableError("KEY_MISSING", "this gateway has no holds.key")
        return hmac.digest(self._key, HOLD_LABEL + person_bytes(identity), "sha256")

    def _holds(self, where: str, *parameters: object) -> Iterator[Hold]:
        rows = self._db.all(f"SELECT hold_id, office, set_at, review_at FROM safety_holds {where}", *parameters)
        for hold_id, office, set_at, review_at in rows:
            yield Hold(hold_id, OfficeId(office), local_day(set_at), local_day(review_at))


Protection = Callable[[bytes, str, Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
"""`HoldRegister.protected`, as the composer asks it."""


def is_held_stream(database: RegionDatabase, stream_id: bytes) -> bool:
    """Whether content about a held person passed in a matter."""
    return database.one("SELECT 1 FROM held_streams WHERE stream_id=?", stream_id) is not None


def _review_ms(now_ms: int) -> int:
    return day_start_ms(add_months(local_day(now_ms), _MONTHS * load_hold_rules().review_years))
