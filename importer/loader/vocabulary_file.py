"""One vocabulary file: the words of one language in sheets, and what such a file may have (docs/vocabulary.md)."""

from __future__ import annotations

from itertools import product

import msgspec

from importer.fields import FIELDS_BY_NAME
from importer.models.task import TaskType
from importer.toml_file import parse_toml

Words = frozenset[str]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of a vocabulary file. A key that it does not know is refused."""


class Combination(_Table, frozen=True):
    """Every word of `first` followed by every word of `second`: `alt` and `phone` give `alt phone`."""

    first: tuple[str, ...]
    second: tuple[str, ...]


class FieldWords(_Table, frozen=True):
    """The headers of one field.

    `ambiguous` headers mean the field only if the cells agree. `kept_with_header` are synonyms whose cells mean
    nothing without them: the lead gets `Do Not Call: Yes`, not `Yes`.
    """

    synonyms: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    kept_with_header: tuple[str, ...] = ()
    combinations: tuple[Combination, ...] = ()

    def list_synonyms(self) -> list[str]:
        """Return all sure headers of the field, with the combinations written out."""
        pairs = [pair for each in self.combinations for pair in product(each.first, each.second)]
        return [*(f"{first} {second}" for first, second in pairs), *self.synonyms, *self.kept_with_header]


class HeaderWords(_Table, frozen=True):
    """Words in headers that say what a header is about without naming a field."""

    fillers: Words = frozenset()
    persons: Words = frozenset()
    other_persons: Words = frozenset()
    guardians: Words = frozenset()
    other_things: Words = frozenset()
    private: Words = frozenset()
    consents: Words = frozenset()
    creation_dates: Words = frozenset()
    internal_ids: Words = frozenset()
    numbered_things: Words = frozenset()
    size_units: Words = frozenset()
    address_kinds: Words = frozenset()
    vague_places: Words = frozenset()
    note_words: Words = frozenset()
    counting: Words = frozenset()
    row_numbers: Words = frozenset()
    name_words: Words = frozenset()
    named_things: Words = frozenset()
    firm_kinds: Words = frozenset()
    phone_words: Words = frozenset()
    phone_stems: Words = frozenset()
    mobile_words: Words = frozenset()
    secondary_phone_words: Words = frozenset()
    firm_phones: Words = frozenset()
    other_currencies: Words = frozenset()
    conjunctions: Words = frozenset()


class CellWords(_Table, frozen=True):
    """Words in cells that are read in a special way."""

    empty: Words = frozenset()
    empty_except_in_names: Words = frozenset()
    no_email: Words = frozenset()
    no_name: Words = frozenset()
    yes_or_no: Words = frozenset()
    firms: Words = frozenset()
    phone_labels: Words = frozenset()
    conjunctions: Words = frozenset()
    negations: Words = frozenset()
    name_suffixes: Words = frozenset()
    name_titles: Words = frozenset()
    name_honorifics: Words = frozenset()
    person_names: Words = frozenset()
    not_persons: Words = frozenset()


class MoneyWords(_Table, frozen=True):
    """Units of amounts. `units` are rupees for each word, `short_units` are short forms in the brackets of a header.

    `range_words` stand between the ends of a range (`80 to 90 lakh`). `at_least` and `at_most` give a range one end.
    """

    units: dict[str, int] = {}
    unit_words: Words = frozenset()
    short_units: dict[str, str] = {}
    range_words: Words = frozenset()
    at_least: Words = frozenset()
    at_most: Words = frozenset()


class TimeWords(_Table, frozen=True):
    """Words of days and times in due dates (`kal 4 baje`). A day of the past has no word: a task is never due then.

    `weekdays` and `months` give the number of a day (1 is Monday) or month. `hour_words` follow an hour, `fillers`
    change nothing.
    """

    today: Words = frozenset()
    tomorrow: Words = frozenset()
    day_after_tomorrow: Words = frozenset()
    weekdays: dict[str, int] = {}
    months: dict[str, int] = {}
    before_noon: Words = frozenset()
    after_noon: Words = frozenset()
    hour_words: Words = frozenset()
    fillers: Words = frozenset()


class FooterWords(_Table, frozen=True):
    """Words of the lines below and above a table that are not leads: totals, report footers, a firm's own phone."""

    totals: Words = frozenset()
    total_prefixes: Words = frozenset()
    plain_totals: Words = frozenset()
    number_of: Words = frozenset()
    counted: Words = frozenset()
    count_labels: Words = frozenset()
    pages: Words = frozenset()
    endings: Words = frozenset()
    openings: Words = frozenset()
    copyrights: Words = frozenset()
    letterheads: Words = frozenset()


class VocabularyFile(_Table, frozen=True):
    """A whole file. `spellings` are other spellings of a word, by the spelling that the lists use.

    `task_types` are what people call a type of task, with the API's name.
    """

    language: str
    fields: dict[str, FieldWords] = {}
    headers: HeaderWords = HeaderWords()
    cells: CellWords = CellWords()
    money: MoneyWords = MoneyWords()
    times: TimeWords = TimeWords()
    task_types: dict[str, TaskType] = {}
    footers: FooterWords = FooterWords()
    spellings: dict[str, tuple[str, ...]] = {}


def read_vocabulary_file(text: str, name: str) -> VocabularyFile:
    """Return the words of a vocabulary file. Raises ValueError that names the file and what is wrong in it."""
    try:
        words = msgspec.convert(parse_toml(text), VocabularyFile)
    except (ValueError, msgspec.ValidationError) as error:
        raise ValueError(f"{name}: {error}.") from None
    for field in words.fields:
        if field not in FIELDS_BY_NAME:
            raise ValueError(f'{name}: there is no field "{field}".')
    return words
