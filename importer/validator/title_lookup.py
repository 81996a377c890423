"""Looks up the sheet's name of a stage, group, label, product or source type in the account's own list."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from importer.fields import TITLE_SEPARATORS
from importer.issues import IssueCode, format_suggestion
from importer.loader.vocabulary import load_vocabulary
from importer.models.mapping import Title

_MAX_SUGGESTIONS = 2
_MIN_SIMILARITY = 72.0  # of 100: "Warm led" and "Warm lead" are similar, "Won" and "Walk-in" are not
_BETWEEN_DIGIT_AND_LETTER = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")
_TOKEN_SET_WEIGHT = 0.95  # a title with words more or fewer counts a little less than a misspelt one


class TitleMatch(msgspec.Struct, frozen=True):
    """The result of a look-up.

    It is either `title` in the account's own spelling, or "" with the `code` of the issue and the `hint` for it.
    """

    title: str
    code: IssueCode | None = None
    hint: str = ""


class TitleList:
    """One dropdown list of the account. Case and spaces do not matter in a look-up."""

    def __init__(self, titles: Sequence[Title]) -> None:
        by_key: dict[str, list[Title]] = defaultdict(list)
        for title in titles:
            by_key[normalize_title(title.title)].append(title)
        self._active = {key: [t.title for t in found if t.active] for key, found in by_key.items()}
        self.max_parts = max((len(TITLE_SEPARATORS.split(title.title)) for title in titles), default=1)

    def __contains__(self, text: str) -> bool:
        return normalize_title(text) in self._active

    def find(self, text: str) -> TitleMatch:
        """Return the account's spelling of `text`, or why it has none."""
        key = normalize_title(text)
        active = self._active.get(key)
        if active is None:
            return TitleMatch("", IssueCode.UNKNOWN, format_suggestion(self._suggest(key)))
        if not active:
            return TitleMatch("", IssueCode.DISABLED, format_suggestion(self._suggest(key)))
        exact = [title for title in active if title == text] if len(active) > 1 else active
        return TitleMatch(exact[0]) if len(exact) == 1 else TitleMatch("", IssueCode.AMBIGUOUS)

    def _suggest(self, key: str) -> list[str]:
        keys = [known for known, titles in self._active.items() if titles and known != key]
        return [self._active[known][0] for known in suggest_titles(key, keys, limit=_MAX_SUGGESTIONS)]


def suggest_titles(text: str, known: Sequence[str], *, limit: int) -> list[str]:
    """Return the titles of `known` that `text` may mean, the most similar first: misspelt, or with words more or fewer.

    Parts of words do not count: "Under review" also has an "n", "e" and "w", but does not mean "New". A title is not
    suggested for its opposite: "Not contacted" does not mean "Contacted".
    """
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - only a sheet with unknown titles pays for it

    candidates = [title for title in known if not _is_opposite(text, title)]
    scores: dict[str, float] = {}
    for scorer, weight in ((fuzz.ratio, 1.0), (fuzz.token_set_ratio, _TOKEN_SET_WEIGHT)):
        for title, score, _ in process.extract(
            text,
            candidates,
            scorer=scorer,
            processor=_separate_words,
            score_cutoff=_MIN_SIMILARITY,
            limit=limit,
        ):
            scores[title] = max(scores.get(title, 0.0), score * weight)
    return sorted(scores, key=lambda title: -scores[title])[:limit]


def _separate_words(text: str) -> str:
    """Return a normalized title with `2BHK` as two words, as most people write it."""
    return _BETWEEN_DIGIT_AND_LETTER.sub(" ", normalize_title(text))


class TitleAnswer(NamedTuple):
    """The titles that a person's answer can mean. A beginning is only proposed: the person must agree to the title."""

    titles: tuple[str, ...]
    is_complete: bool = False


def match_answer(answer: str, numbered: Sequence[str], titles: Sequence[str]) -> TitleAnswer:
    """Return what an answer means: the number of a title in `numbered`, a whole title, or the beginning of some.

    A part in the middle means nothing: `back` is not "Call back later".
    """
    if answer.isdecimal() and 1 <= int(answer) <= len(numbered):
        return TitleAnswer((numbered[int(answer) - 1],), is_complete=True)
    key = normalize_title(answer)
    if equal := [title for title in titles if normalize_title(title) == key]:
        exact = [title for title in equal if title == answer] or equal
        return TitleAnswer(tuple(exact), is_complete=len(exact) == 1)
    return TitleAnswer(tuple(title for title in titles if normalize_title(title).startswith(key)))


def _is_opposite(one: str, other: str) -> bool:
    """Return whether one text has all the words of the other, and only one of them has a negation."""
    words, other_words = set(normalize_title(one).split()), set(normalize_title(other).split())
    has_all_words = words <= other_words or other_words <= words
    return has_all_words and not load_vocabulary().cells.negations.isdisjoint(words ^ other_words)


def normalize_title(text: str) -> str:
    """Return the text without what people vary: case, spaces, and which mark separates a list."""
    return " ".join(TITLE_SEPARATORS.sub(", ", text).casefold().split())


def join_split_titles(parts: Sequence[str], titles: TitleList) -> list[str]:
    """Join the parts of a split cell again where the account has a title with a comma in it.

    The longest title wins. With a title `Plots, Whitefield`, the parts `Plots` and `Whitefield` become one.
    """
    joined: list[str] = []
    start = 0
    while start < len(parts):
        end = _find_title_end(parts, start, titles)
        joined.append(", ".join(parts[start:end]))
        start = end
    return joined


def _find_title_end(parts: Sequence[str], start: int, titles: TitleList) -> int:
    for end in range(min(len(parts), start + titles.max_parts), start + 1, -1):
        if ", ".join(parts[start:end]) in titles:
            return end
    return start + 1
