"""Looking up what a sheet calls a stage, group, label, product or source type in the account's own list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from importer.fields import TITLE_SEPARATORS
from importer.issues import IssueCode, format_suggestion
from importer.models.mapping import Title

_SUGGESTIONS = 2
_NEGATIONS = frozenset({"not", "no", "non", "never", "nahi", "nahin", "नहीं", "नही"})
_ALIKE = 72.0  # of 100: "Warm led" and "Warm lead" are alike, "Won" and "Walk-in" are not


class Found(msgspec.Struct, frozen=True):
    """What the account has under a name.

    Either `title` in the account's own spelling, or "" and the `fault` (a key of the issue catalogue) with
    its `hint`.
    """

    title: str
    fault: str = ""
    hint: str = ""


class TitleList:
    """One dropdown list of the account, looked up with case and spacing forgiven."""

    def __init__(self, titles: Sequence[Title]) -> None:
        self._by_key: dict[str, list[Title]] = defaultdict(list)
        for title in titles:
            self._by_key[normalize_title(title.title)].append(title)
        self.longest = max((len(TITLE_SEPARATORS.split(title.title)) for title in titles), default=1)
        self._active = {key: [t.title for t in found if t.active] for key, found in self._by_key.items()}

    def __contains__(self, text: str) -> bool:
        return normalize_title(text) in self._by_key

    def find(self, text: str) -> Found:
        """The account's spelling of `text`, or what is wrong with it."""
        key = normalize_title(text)
        active = self._active.get(key)
        if active is None:
            return Found("", IssueCode.UNKNOWN, format_suggestion(self._nearest(key)))
        if not active:
            return Found("", IssueCode.DISABLED, format_suggestion(self._nearest(key)))
        exact = [title for title in active if title == text] if len(active) > 1 else active
        return Found(exact[0]) if len(exact) == 1 else Found("", IssueCode.AMBIGUOUS)

    def _nearest(self, key: str) -> list[str]:
        keys = [known for known, titles in self._active.items() if titles and known != key]
        return [self._active[known][0] for known in suggest_titles(key, keys, limit=_SUGGESTIONS)]


def suggest_titles(text: str, known: Sequence[str], *, limit: int) -> list[str]:
    """Those of `known` that `text` may have meant, the likeliest first: misspelt, or with words more or fewer.

    Parts of words do not count: "Under review" has an "n", "e" and "w" too, and does not mean "New". Nor is a title
    meant by what denies it: "Not contacted" is not "Contacted".
    """
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - only a sheet with unknown titles pays for it

    known = [title for title in known if not _denies(text, title)]
    scores: dict[str, float] = {}
    for scorer, weight in ((fuzz.ratio, 1.0), (fuzz.token_set_ratio, 0.95)):
        for title, score, _ in process.extract(
            text, known, scorer=scorer, processor=normalize_title, score_cutoff=_ALIKE, limit=limit
        ):
            scores[title] = max(scores.get(title, 0.0), score * weight)
    return sorted(scores, key=lambda title: -scores[title])[:limit]


def _denies(one: str, other: str) -> bool:
    """Whether all the words of the one are in the other, and a "not" is in one of them alone."""
    ones, others = set(normalize_title(one).split()), set(normalize_title(other).split())
    return (ones <= others or others <= ones) and not _NEGATIONS.isdisjoint(ones ^ others)


def normalize_title(text: str) -> str:
    """The text with what people vary taken out: case, spacing, and which mark parts a list."""
    return " ".join(TITLE_SEPARATORS.sub(", ", text).casefold().split())


def whole_titles(pieces: Sequence[str], titles: TitleList) -> list[str]:
    """Put pieces of a split cell together again where the account has a title with a comma in it.

    The longest title wins: with a title `Plots, Whitefield`, the pieces `Plots` `Whitefield` are one.
    """
    whole: list[str] = []
    start = 0
    while start < len(pieces):
        end = _end_of_title(pieces, start, titles)
        whole.append(", ".join(pieces[start:end]))
        start = end
    return whole


def _end_of_title(pieces: Sequence[str], start: int, titles: TitleList) -> int:
    for end in range(min(len(pieces), start + titles.longest), start + 1, -1):
        if ", ".join(pieces[start:end]) in titles:
            return end
    return start + 1
