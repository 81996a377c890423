"""What can be measured of the design: contrast of the shared colours in light and dark, and states in words."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOKENS = (ROOT / "importer" / "tokens.css").read_text("utf-8")
PAIRS = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", TOKENS)
COLOURS = {
    scheme: {name: pair[index] for name, *pair in PAIRS} for index, scheme in enumerate(("light", "dark"))
}
READ_ON = [
    *[(text, ground) for text in ("ink", "dim", "accent", "ok", "warn", "bad") for ground in ("ground", "card", "raised")],
    ("accent-ink", "accent"), ("accent", "accent-soft"), ("ok", "ok-soft"), ("warn", "warn-soft"), ("bad", "bad-soft"),
    ("ink", "accent-soft"), ("ink", "ok-soft"), ("ink", "warn-soft"), ("ink", "bad-soft"), ("dim", "accent-soft"), ("dim", "warn-soft"),
]  # fmt: skip


def compute_luminance(colour):
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", COLOURS)
@pytest.mark.parametrize(("text", "ground"), READ_ON)
def test_text_can_be_read_on_its_ground(scheme, text, ground):
    """WCAG 2 AA: 4.5 to 1 for text of any size."""
    colours = COLOURS[scheme]
    darker, lighter = sorted(map(compute_luminance, (colours[text], colours[ground])))
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


@pytest.mark.parametrize(
    "style", ["importer/ui/static/page.css", "importer/report/report.css", "importer/sandbox/leads_page.html"]
)
def test_pages_have_no_colours_of_their_own(style):
    """One place for all of them, so that light and dark stay whole. White paper behind a report, and charts, are the exceptions."""
    text = (ROOT / style).read_text("utf-8")
    found = set(re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;, )}])", text))
    assert found <= {"#fff", "#2563eb", "#d97706", "#7f9df0", "#4c6fd8"}, found


def test_every_token_that_is_used_is_defined():
    defined = set(re.findall(r"--([a-z0-9-]+):", TOKENS))
    for path in [
        *ROOT.glob("importer/ui/static/*.css"),
        ROOT / "importer/report/report.css",
        ROOT / "importer/sandbox/leads_page.html",
    ]:
        text = path.read_text("utf-8")
        own = set(re.findall(r"--([a-z0-9-]+):", text)) | {"c"}
        assert set(re.findall(r"var\(--([a-z0-9-]+)", text)) <= defined | own, path
