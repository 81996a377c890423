"""Which page a run is at. It is derived from the run's folder and thread alone, so every browser finds the same."""

from __future__ import annotations

from typing import NamedTuple

from importer.journal.run_metadata import RunEnd
from importer.models.status import RunState
from importer.ui.workspace import RunPlace

STEPS = ("sheet", "columns", "values", "rows", "plan", "send", "report")
"""The journey of a sheet, in order. Each step has its name in the texts."""


_COLOURS = {
    "finished": "ok",
    "stopped": "warn",
    "interrupted": "warn",
    "running": "accent",
    "checking": "accent",
}


def get_state_colour(state: str) -> str:
    """Return the class of a state's badge. The badge has the words too."""
    return _COLOURS.get(state, "")


class Step(NamedTuple):
    """One step of the journey as the page shows it. `path` is "" if it cannot be opened now."""

    name: str
    path: str
    is_current: bool
    is_done: bool


def find_page(place: RunPlace, run_id: str) -> str:
    """Return the path of the page that a run is at. "" for a run that does not exist."""
    base = f"/runs/{run_id}"
    if place.running is not None:
        return f"{base}/questions" if place.running.prompter.question else f"{base}/progress"
    match place.state:
        case None:
            if place.preparation is None:
                return ""
            return f"{base}/columns" if place.preparation.is_settled else f"{base}/sheet"
        case RunState.PLANNED:
            return f"{base}/plan"
        case RunState.CHECKED:
            return f"{base}/rows"
        case _:
            return f"{base}/report"


def find_step(end: RunEnd) -> str:
    """Return the step of the journey that a run is at, whose counts are shown. What was not done has no tick."""
    if end.state is RunState.CHECKED:
        return "rows"
    if end.state is RunState.PLANNED or end.is_planning:
        return "plan"
    return "report" if end.state is RunState.FINISHED else "send"


def list_steps(place: RunPlace, run_id: str, current: str) -> list[Step]:
    """Return the steps of a run's journey, with those that can be opened."""
    at = STEPS.index(current)
    paths = dict.fromkeys(STEPS, "")
    base = f"/runs/{run_id}"
    has_sent = place.run is not None and place.run.end.has_sent
    if place.preparation is not None and not has_sent:
        paths |= {"sheet": f"{base}/sheet", "columns": f"{base}/columns"}
        if place.preparation.answers:
            paths["values"] = f"{base}/questions"
    if place.can_edit:
        paths["rows"] = f"{base}/rows"
    if place.state is RunState.PLANNED:
        paths["plan"] = f"{base}/plan"
    if place.run is not None:
        paths["report"] = f"{base}/report"
    return [Step(name, paths[name], name == current, index < at) for index, name in enumerate(STEPS)]
