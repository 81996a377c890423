"""The machine codes of everything that can be wrong with a row.

A code is what `_codes` and `summary.json` show, so a value never changes; only a member's name may. The severity of each
code is in `importer/issues.py`, and its words are in `importer/messages/issue_messages.py`.
"""

from __future__ import annotations

from enum import StrEnum


class IssueCode(StrEnum):
    """Every code of the catalogue. `_codes` and `summary.json` show it as `field.code`."""

    ERROR_VALUE = "error_value"
    FORMULA_WITHOUT_VALUE = "formula_without_value"
    LETTERS_LOST = "letters_lost"
    TOO_LONG = "too_long"
    MISSING = "missing"
    NOT_A_PHONE = "not_a_phone"
    DIGITS_LOST = "digits_lost"
    TOO_SHORT = "too_short"
    TOO_MANY_DIGITS = "too_many_digits"
    TWO_NUMBERS = "two_numbers"
    NO_SUCH_NUMBER = "no_such_number"
    PART_LEFT_OUT = "part_left_out"
    EXTENSION_LEFT_OUT = "extension_left_out"
    WORDS_LEFT_OUT = "words_left_out"
    DIAL_CODE_LEFT_OUT = "dial_code_left_out"
    MAYBE_SHORTENED = "maybe_shortened"
    SHORTENED = "shortened"
    OTHER_PHONE_USED = "promoted"
    NOT_AN_EMAIL = "not_an_email"
    NOT_A_NUMBER = "not_a_number"
    NOT_DEGREES = "not_degrees"
    UNIT_UNCLEAR = "unit_unclear"
    OUT_OF_RANGE = "out_of_range"
    CANNOT_CLEAR = "cannot_clear"
    UNKNOWN = "unknown"
    DISABLED = "disabled"
    AMBIGUOUS = "ambiguous"
    LEFT_OUT_UNKNOWN = "left_out_unknown"
    LEFT_OUT_DISABLED = "left_out_disabled"
    LEFT_OUT_AMBIGUOUS = "left_out_ambiguous"
    WITH_REMOVE_LABELS = "with_remove_labels"
    STRAY_QUOTE = "stray_quote"
    NUL = "nul"
    UNDECODABLE = "undecodable"
    RAGGED = "ragged"
    DELETED = "deleted"
    TEST_ROW = "test_row"
    NOT_A_LEAD = "not_a_lead"
    SAME_PHONE = "folded"
    OTHER_NAME = "other_name"
    MERGED = "merged"
    SHARED_PHONE = "shared_phone"
    REFUSED = "refused"
    TURNED_AWAY = "turned_away"
    NO_SUCH_LEAD = "no_such_lead"
    FAILED = "failed"
    UNSURE = "unsure"
    NOTE_UNSURE = "note_unsure"
    NOTE_OTHER_KEY = "note_other_key"
    NOTE_REPEATED = "note_repeated"
