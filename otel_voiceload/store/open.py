"""Opening a store: asks living collectors for a seal, attaches what may be read, gives a Reading.

A store that somebody else is writing is still readable up to the last seal. Whatever could not be
read becomes a note in ``Reading.notes``, so that a report never silently stands on half the data;
what had been acknowledged and is not there is a loss as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from otel_voiceload.errors import StoreError
from otel_voiceload.store import attach, locate, spill
from otel_voiceload.store import seal as sealing
from otel_voiceload.store.reading import Loss, Reading

# DuckDB's threads wait for each other in every little step of a question. Of a hundred thousand
# spans a report was done in 1.6 s with one thread and in 2.1 s with two, of a million in the same.
FEW_SPANS = 500_000


@dataclass(frozen=True, slots=True)
class _File:
    """A file to attach, and the manifest's line for it where there is one."""

    path: Path
    recording_id: str = ""
    listed: locate.Segment | None = None


def open_store(
    path: Path | None = None,
    seal: bool = True,
    ask: Callable[[locate.Control], str | None] = sealing.seal,
) -> Reading:
    """Opens a store folder, one recording's folder or a single exported ``.duckdb`` file.

    Raises StoreError when ``path`` is none of these. ``ask`` is the seal request, for tests.
    """
    path = locate.default_store() if path is None else path
    if path.is_file():
        return _reading(path, [_File(path)], [], [], [])
    recordings = locate.find_recordings(path)
    notes: list[str] = []
    if seal:
        living = [each for each in recordings if each.alive]
        for recording in living:
            note = _ask_one(recording, ask)
            if note is not None:
                notes.append(note)
        if living:
            recordings = locate.find_recordings(path)
    files: list[_File] = []
    losses: list[Loss] = []
    held: list[int] = []
    for recording in recordings:
        losses += [Loss(recording.recording_id, sentence) for sentence in recording.losses]
        dead = not recording.alive and not recording.ended
        if dead and recording.segments:
            lock = locate.hold(recording)
            if lock is not None:
                held.append(lock)
            notes.append(
                f"The collector of recording {recording.recording_id} ended without a shutdown;"
                " what it had stored is read."
            )
        for segment in recording.segments:
            if segment.live and recording.alive:
                continue  # DuckDB lets nobody else open it
            if segment.path.is_file():
                files.append(_File(segment.path, recording.recording_id, segment))
            elif not segment.live or any(locate.acknowledged(segment) or ()):
                sentence = f"The segment {segment.path.name} of {recording.recording_id} is gone."
                losses.append(Loss(recording.recording_id, sentence))
    return _reading(path, files, notes, losses, held)


def open_run(selector: str, store: Path | None = None) -> tuple[Reading, str]:
    """The Reading and run id of what a user typed as RUN: an id, a tag, ``latest`` or a file."""
    as_file = Path(selector)
    if as_file.suffix == ".duckdb":
        if not as_file.is_file():
            raise StoreError(f"There is no file {selector}.")
        reading = open_store(as_file)
        selector = "latest"
    else:
        reading = open_store(store)
    try:
        return reading, reading.run_id(selector)
    except StoreError:
        reading.close()
        raise


def _ask_one(
    recording: locate.Recording, ask: Callable[[locate.Control], str | None]
) -> str | None:
    if recording.control is None:
        return (
            f"Recording {recording.recording_id} is being written and its collector can not be"
            " asked for a seal: its newest rows are missing."
        )
    return ask(recording.control)


def _reading(
    path: Path, files: list[_File], notes: list[str], losses: list[Loss], held: list[int]
) -> Reading:
    connection = spill.connect()
    try:
        connection.execute("set timezone = 'UTC'")
        connection.execute("set enable_progress_bar = false")
        attached = []
        for index, file in enumerate(files):
            try:
                segment, sentence = _attach(connection, file, f"segment_{index}")
            except StoreError as error:
                if len(files) == 1:
                    raise
                segment, sentence = None, str(error)
            if segment is not None:
                attached.append(segment)
            if sentence is not None:
                losses.append(Loss(file.recording_id, sentence))
        attach.make_views(connection, attached)
        if attach.spans(connection) < FEW_SPANS:
            connection.execute("set threads = 1")
        # From here on the database answers questions and touches no file of its own accord:
        # `ovl query` runs SQL that somebody may have pasted from anywhere.
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
    except BaseException:
        connection.close()
        for lock in held:
            os.close(lock)
        raise
    return Reading(connection, path, tuple(notes), tuple(held), tuple(losses))


def _attach(
    connection: duckdb.DuckDBPyConnection, file: _File, alias: str
) -> tuple[attach.Attached | None, str | None]:
    """The attached file, or None when it is set aside; and a sentence when something is missing."""
    attached = attach.attach(connection, file.path, alias)
    if file.listed is None:
        return attached, None  # a file by itself: nobody said what it should hold
    try:
        found = attach.held(connection, attached)
    except StoreError:
        connection.execute(f"detach {alias}")
        raise
    sentence = attach.contradiction(attached, found, file.recording_id, file.listed)
    if sentence is not None:
        connection.execute(f"detach {alias}")
        return None, sentence
    promised = locate.acknowledged(file.listed) if file.listed.live else None
    return attached, None if promised is None else attach.missing(attached, found, promised)
