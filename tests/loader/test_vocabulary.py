"""The vocabulary: one file a language, checked when it is loaded, and never a word for two fields."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from importer.fields import FIELDS
from importer.loader.mapping import header_lookup, header_match
from importer.loader.vocabulary import build_vocabulary, load_vocabulary, normalize_header
from importer.loader.vocabulary_file import (
    CellWords,
    FieldWords,
    FooterWords,
    HeaderWords,
    MoneyWords,
    TimeWords,
    read_vocabulary_file,
)

FOLDER = resources.files("importer.loader").joinpath("vocabulary")
FILES = sorted(file.name for file in FOLDER.iterdir())


@pytest.mark.parametrize("name", FILES)
def test_file_is_named_after_its_language(name):
    """A new language is one file, and its name says which language it is."""
    words = read_vocabulary_file(FOLDER.joinpath(name).read_text("utf-8"), name)
    assert name == f"{words.language.lower()}.toml"


def test_every_field_is_known_by_its_name_and_its_label():
    """What a report or a form of our own calls a field is always understood."""
    known = load_vocabulary().sure_headers
    for field in FIELDS:
        assert known[normalize_header(field.name)] == field.name
        assert known[normalize_header(field.label)] == field.name


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Alt Mobile No", "add_phones"),
        ("मोबाईल क्रमांक", "customer_phone"),
        ("நகரம்", "city"),
        ("DND Status", "additional_info"),
        ("Naam", "full_name"),
    ],
    ids=["combination", "spelling", "tamil", "kept_with_header", "romanised"],
)
def test_words_of_all_files_are_known(header, field):
    """Combinations, other spellings, and words of every language find their field."""
    assert load_vocabulary().known_headers[normalize_header(header)] == field


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[fields.phone]\nsynonyms = ["fon"]', 'there is no field "phone"'),
        ('[fields.city]\nsynonym = ["fon"]', "unknown field `synonym`"),
        ('[header]\nfillers = ["le"]', "unknown field `header`"),
        ('[cells]\nempty = "rien"', "Expected `array`"),
        ("[cells", "end of document"),
    ],
    ids=["field", "key", "table", "type", "toml"],
)
def test_wrong_file_is_refused_with_its_name(text, problem):
    """A person who adds a language sees at once what is wrong, and in which file."""
    with pytest.raises(ValueError, match=r"^french\.toml: ") as refused:
        read_vocabulary_file(f'language = "French"\n{text}', "french.toml")
    assert problem in str(refused.value)


@pytest.mark.parametrize("key", ["synonyms", "ambiguous"])
def test_header_of_two_fields_is_refused_with_both_files(key):
    """A header that two fields claim would go to whichever file is read last."""
    files = {
        "german.toml": f'language = "German"\n[fields.city]\n{key} = ["Ort"]',
        "dutch.toml": 'language = "Dutch"\n[fields.source]\nsynonyms = ["ORT"]',
    }
    with pytest.raises(ValueError, match='"ort" is a header of') as refused:
        build_vocabulary({name: read_vocabulary_file(text, name) for name, text in files.items()})
    assert "german.toml" in str(refused.value)
    assert "dutch.toml" in str(refused.value)


def test_new_language_is_one_file():
    """Words of a further file are known beside those of the others."""
    french = 'language = "French"\n[fields.city]\nsynonyms = ["Ville"]\n[headers]\nfillers = ["votre"]'
    vocabulary = build_vocabulary({"french.toml": read_vocabulary_file(french, "french.toml")})
    assert vocabulary.known_headers["ville"] == "city"
    assert "votre" in vocabulary.headers.fillers


def test_help_does_not_load_the_vocabulary():
    """The words are read at their first use: `importer --help` stays quick."""
    code = (
        "import sys, contextlib\n"
        "from importer.cli.main import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "assert 'importer.loader.vocabulary' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


PAGE = Path(__file__).parents[2] / "docs" / "vocabulary.md"


def test_page_explains_every_key():
    """Every key of the page is one that a file may have, and the other way round."""
    tables = (FieldWords, HeaderWords, CellWords, MoneyWords, TimeWords, FooterWords)
    explained = re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert explained == [key for table in tables for key in table.__struct_fields__]


def test_example_of_the_page_does_what_the_page_says(monkeypatch):
    """A person who follows the page gets what it promises."""
    example = re.search(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1]
    french = build_vocabulary({"french.toml": read_vocabulary_file(example, "french.toml")})
    for module in (header_match, header_lookup):
        monkeypatch.setattr(module, "load_vocabulary", lambda: french)
    for compiled in (header_match._compile_part_pattern, header_match._compile_currency_pattern):
        compiled.cache_clear()
    fields = [
        header_match.match_header.__wrapped__(header).field
        for header in ("Votre ville", "Numéro de téléphone", "Téléphone du père")
    ]
    for compiled in (header_match._compile_part_pattern, header_match._compile_currency_pattern):
        compiled.cache_clear()
    assert fields == ["city", "customer_phone", ""]
