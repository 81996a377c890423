"""The texts of the page: every language has all of them, and the page uses no other."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from string import Formatter

import pytest

from importer import messages
from importer.fields import FIELDS
from importer.issues import _get_label
from importer.journal.row_index import RowPart
from importer.messages import planning_messages, undo_messages
from importer.messages.report_messages import CHECK_MEANINGS, STATUS_MEANINGS
from importer.models.status import RunState
from importer.models.task import TaskType
from importer.planner.decide import Mode
from importer.ui.policy_choice import PRESETS
from importer.ui.run_pages import STEPS
from importer.ui.run_task import Phase, Snapshot, TaskKind
from importer.ui.texts import LANGUAGES, Texts, choose_language, read_messages, read_texts
from importer.ui.web_prompter import QuestionKind
from tests.test_language import find_habits, find_long_sentences

ROOM = Path(__file__).parents[2] / "importer" / "ui"


def find_placeholders(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_every_language_has_the_same_keys_in_the_same_order(language):
    assert list(read_texts(language)) == list(read_texts("en"))


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_every_language_has_the_same_placeholders(language):
    """A number that is missing in Hindi would be missing for those who read Hindi."""
    english, other = read_texts("en"), read_texts(language)
    differing = [key for key in english if find_placeholders(english[key]) != find_placeholders(other[key])]
    assert differing == []


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_texts_are_translated(language):
    """Names of programs and files may stay."""
    english, other = read_texts("en"), read_texts(language)
    same = {key for key in english if english[key] == other[key]}
    assert same <= {"runs.key"}


def find_english_texts(value):
    """Yield every text in a constant of `importer/messages`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from find_english_texts(one)
    elif isinstance(value, tuple):
        for one in value:
            yield from find_english_texts(one)


def read_english_texts():
    modules = [import_module(f"importer.messages.{found.name}") for found in iter_modules(messages.__path__)]
    texts = {
        text for module in modules for value in vars(module).values() for text in find_english_texts(value)
    }
    return texts | LABELS | TASKS


LABELS = {_get_label(field.name) for field in FIELDS} | {field.label for field in FIELDS}
TASKS = {kind.replace("_", " ").capitalize() for kind in TaskType}
STATUSES = [*CHECK_MEANINGS.values(), *STATUS_MEANINGS.values(), *undo_messages.PLAN_MEANINGS.values()]
STATUSES += [*undo_messages.STATUS_MEANINGS.values(), *planning_messages.ACTION_MEANINGS.values()]
STATUSES += planning_messages.EFFECT_WORDS.values()


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_translated_messages_exist(language):
    """A text that was changed in English has lost its translation: that must be seen. No value is left out that it names."""
    english, translated = read_english_texts(), read_messages(language)
    assert translated.keys() <= english, translated.keys() - english
    unknown = [
        text for text, other in translated.items() if not find_placeholders(other) <= find_placeholders(text)
    ]
    assert unknown == []


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_statuses_counts_and_fields_are_translated(language):
    """What stands on every page; reasons and errors may be in English."""
    assert {*STATUSES, *LABELS, *TASKS} <= read_messages(language).keys()


def test_english_is_plain():
    texts = read_texts("en").values()
    assert [found for text in texts for found in (*find_habits(text), *find_long_sentences(text))] == []


def test_every_text_that_the_page_names_exists():
    """A key that is put together of parts is in the tests below."""
    sources = [*ROOM.glob("*.py"), *ROOM.glob("templates/*.html")]
    named = {
        (match[1] or "", match[2])
        for source in sources
        for match in re.finditer(r"\bt(\.count)?\(\s*f?\"([a-z_]+\.[a-z_]+)\"", source.read_text("utf-8"))
    }
    assert len(named) > 80
    known = read_texts("en")
    for is_count, key in named:
        for full in (f"{key}_one", f"{key}_other") if is_count else (key,):
            assert full in known, full


def test_every_text_is_used():
    """One that no page names is either built from an enum, or forgotten."""
    everything = "".join(
        path.read_text("utf-8") for path in [*ROOM.glob("*.py"), *ROOM.glob("templates/*.html")]
    )
    built = ("steps.", "states.", "questions.", "progress.", "parts.", "row_states.", "modes.", "presets.")
    unused = [
        key
        for key in read_texts("en")
        if not key.startswith(built) and re.sub("_(one|other)$", "", key) not in everything
    ]
    assert unused == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_step_phase_and_question_has_its_words(language):
    known = read_texts(language)
    keys = [f"states.{state}" for state in RunState] + [f"steps.{step}" for step in STEPS]
    keys += [f"progress.{phase}" for phase in Phase]
    keys += [f"questions.{kind}{end}" for kind in QuestionKind for end in ("", "_lead")]
    keys += [f"{section}.{part}" for section in ("parts", "row_states") for part in RowPart]
    keys += [f"modes.{mode}" for mode in Mode] + [f"presets.{preset}" for preset in PRESETS]
    assert {"parts.all", "modes.add", *keys} <= set(known)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("hi-IN,hi;q=0.9,en;q=0.8", "hi"),
        ("en-IN,en;q=0.9,hi;q=0.8", "en"),
        ("ta,hi;q=0.5", "hi"),
        ("fr-FR,fr;q=0.9", "en"),
        ("hi;q=0,en;q=0.1", "en"),
        ("hi;q=x", "en"),
        (";;;,,,q=", "en"),
    ],
)
def test_the_browser_chooses_the_language(header, language):
    assert choose_language(header) == language


def test_numbers_and_times_are_written_as_in_india():
    t = Texts("en")
    assert t.count("progress.rows", 120000) == "1,20,000 rows"
    assert t.count("progress.rows", 1) == "1 row"
    assert [t.format_duration(seconds) for seconds in (0.2, 89, 180, 7500)] == [
        "1 s",
        "89 s",
        "3 min",
        "2 h 5 min",
    ]


def test_a_text_of_a_sheet_is_never_read_as_a_format():
    assert Texts("en")("columns.field_of", header="{count}") == "Where {count} goes"


def test_progress_is_said_in_words():
    from importer.ui.progress_screen import describe

    snapshot = Snapshot(
        kind=TaskKind.SEND, phase=Phase.SENDING, done=1200, total=64000, not_accepted=2, rows_per_s=18.2, left_s=3450, waiting_s=40,
    )  # fmt: skip
    shown = describe(Texts("en"), snapshot)
    assert shown.title == "Sending"
    assert shown.line == "1,200 of 64,000, 18 a second, 2 did not go in, about 58 min left"
    assert shown.wait == "The CRM asks us to wait 40 s. importer goes on by itself."
    assert describe(Texts("en"), Snapshot(kind=TaskKind.CHECK)).share == -1.0
