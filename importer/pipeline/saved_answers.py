"""Save the answers about columns and values as map files, and find them again for the next sheet."""

from __future__ import annotations

from pathlib import Path

from importer.errors import DiskWriteError
from importer.journal.run_journal import Journal
from importer.loader.mapping.map_file import get_map_path, has_real_headers, remember_map, save_map
from importer.messages import run_messages
from importer.models.mapping import Mapping
from importer.pipeline.context import RunContext
from importer.pipeline.observer import RunObserver
from importer.reader.protocol import SheetPreview
from importer.settings import Settings

MAPS_FOLDER = "maps"
"""Folder of the reports folder that holds saved answers, one map for each set of headers."""


def find_remembered_map(preview: SheetPreview, settings: Settings) -> Path | None:
    """Return the map with the answers for an earlier sheet with these headers; None if --map names another map."""
    path = get_map_path(Path(settings.reports) / MAPS_FOLDER, preview.headers)
    return path if settings.map is None and has_real_headers(preview.headers) and path.is_file() else None


def remember_answers(mapping: Mapping, settings: Settings, observer: RunObserver) -> None:
    """Save answers for the next sheet with these headers. With --map nothing is saved: that file is the user's.

    Raises DiskWriteError.
    """
    if settings.map is not None or not has_real_headers([column.header for column in mapping.columns]):
        return
    folder = Path(settings.reports) / MAPS_FOLDER
    try:
        observer.on_answers_saved(remember_map(folder, mapping))
    except OSError as error:
        text = run_messages.ANSWERS_NOT_SAVED.format(folder=folder, reason=error.strerror)
        raise DiskWriteError(*text) from error


def save_final_mapping(journal: Journal, context: RunContext) -> None:
    """Write the mapping, with all answers, to the file that --save names."""
    if context.settings.save:
        save_mapping(Path(context.settings.save), journal.metadata.mapping)


def save_mapping(path: Path, mapping: Mapping) -> None:
    """Write a mapping to a map file. Raises DiskWriteError."""
    try:
        save_map(path, mapping)
    except OSError as error:
        text = run_messages.MAP_NOT_SAVED.format(path=path, reason=error.strerror)
        raise DiskWriteError(*text) from error
