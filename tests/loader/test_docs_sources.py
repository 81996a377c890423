"""docs/presets.md and docs/sources/*.md say what the presets do."""

import re
import tomllib
from pathlib import Path

import pytest

from importer.loader.mapping.presets import Preset, PresetEntry, load_presets
from tests.docs_sources import PART, SOURCES, describe_preset
from tests.e2e.test_samples import EXPECTED
from tests.support import leads, write_csv

PAGE = Path(__file__).parents[2] / "docs" / "presets.md"


@pytest.mark.parametrize("preset", load_presets(), ids=lambda preset: preset.name)
def test_page_has_the_columns_of_its_preset(preset):
    """`python -m tests.docs_sources` writes the tables again."""
    page = (SOURCES / f"{preset.name}.md").read_text("utf-8")
    assert PART.findall(page) == [describe_preset(preset)]
    assert page.startswith(f"# {preset.title[0].upper()}{preset.title[1:]}\n")


def test_every_page_is_in_the_index_and_has_a_preset():
    """No page is left over, and no preset lacks its page."""
    index = (SOURCES / "README.md").read_text("utf-8")
    linked = re.findall(r"\]\(([\w-]+)\.md\)", index)
    assert sorted(linked) == sorted(preset.name for preset in load_presets())
    assert {path.stem for path in SOURCES.glob("*.md")} == {*linked, "README"}


def test_pages_name_existing_samples():
    """A reader can try every sample that a page names."""
    named = {
        name
        for page in SOURCES.glob("*.md")
        for name in re.findall(r"samples/([\w.-]+)", page.read_text("utf-8"))
    }
    assert named == {*EXPECTED, "event_signups.xlsx"}


def test_preset_of_the_page_works(importer, crm):
    """The example of docs/presets.md does with its sheet what the page says."""
    text = PAGE.read_text("utf-8")
    preset, sheet = (re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL)[1] for kind in ("toml", "csv"))
    (importer.folder / "gym.toml").write_text(preset, "utf-8")
    (importer.folder / "gym-app.csv").write_text(sheet, "utf-8")
    ended = importer(
        "run", importer.folder / "gym-app.csv", "--preset", importer.folder / "gym.toml", "--yes"
    )
    assert leads(crm) == {
        "+919845051001": {
            "first_name": "Asha", "last_name": "Rao", "labels": ["VIP", "Call in evening"], "source": "Gym app",
            "additional_info": "Slot: 6 am\nGoal: Lose 5 kg",
        },
        "+919845051003": {
            "first_name": "Imran", "last_name": "Khan", "source": "Gym app", "additional_info": "Goal: First marathon",
        },
    }  # fmt: skip
    assert {row["_row"]: row["_codes"] for row in ended.results if row["_codes"]} == {"3": "row.test_row"}


def test_page_explains_every_key():
    """Every key of the page is one that a preset may have, and the other way round."""
    text = PAGE.read_text("utf-8")
    explained = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert explained == {*Preset.__struct_fields__, *PresetEntry.__struct_fields__} - _AS_IN_A_MAP
    tomllib.loads(re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1])


_AS_IN_A_MAP = {
    "fill",
    "constant",
    "clear",
    "reason",
}  # explained in one line of the page together, or with `field`


def test_named_preset_is_used_even_if_headers_do_not_fit(importer):
    """The user knows better."""
    sheet = write_csv(importer.folder / "a.csv", [["Name", "Mobile"], ["Asha", "9845051001"]])
    shown = importer("columns", sheet, "--preset", "justdial")
    assert "Recognised as Justdial leads (preset justdial)" in shown.out + shown.err
