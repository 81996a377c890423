"""Chooses the field of columns whose headers say nothing, by their cells. A sheet without a phone column is refused."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from importer.errors import MissingPhoneColumnError
from importer.fields import FIELDS_BY_NAME
from importer.loader.mapping.cell_shapes import MAJORITY
from importer.loader.mapping.column_profile import ColumnProfile, TitleMatch
from importer.loader.mapping.conflicts import LEADS_PHONE, leave_out
from importer.loader.mapping.header_match import find_word, has_phone_word, match_header
from importer.loader.mapping.map_file import make_column_key
from importer.loader.vocabulary import load_vocabulary, normalize_header
from importer.messages import mapping_messages as texts
from importer.models.mapping import ColumnChoice, MatchSource, format_column_name

_PHONE_CONFIDENCE = 0.75
_EMAIL_CONFIDENCE = 0.85  # nothing else looks like an e-mail address
_TITLE_CONFIDENCE = 0.7
_ALL_TITLES_CONFIDENCE = 0.85  # every value is in the account: nobody has to be asked
_MIN_SOME_TITLES = 0.3  # of the different cells; fewer are chance
_KEPT_CONFIDENCE = 0.9
_MAX_DETAILS = 3  # columns whose reason is named


def choose_by_content(choices: list[ColumnChoice], profiles: Sequence[ColumnProfile]) -> list[ColumnChoice]:
    """Return the choices with fields that no header has claimed, by the cells of undecided columns."""
    choices = [_open_name_and_phone(choice, profiles[choice.index]) for choice in choices]
    used = {choice.field for choice in choices}
    resolved = list(choices)
    for choice in filter(is_undecided, choices):
        profile = profiles[choice.index]
        if LEADS_PHONE not in used and _is_only_phone(choice, resolved, profiles):
            reason = (
                texts.CELLS_ARE_NAMES_AND_PHONES if profile.holds_names_and_phones else texts.CELLS_ARE_PHONES
            )
            decided = set_field(choice, LEADS_PHONE, _PHONE_CONFIDENCE, reason)
        elif LEADS_PHONE in used and profile.holds_names_and_phones:
            decided = set_field(choice, "add_phones", _PHONE_CONFIDENCE, texts.CELLS_ARE_NAMES_AND_PHONES)
        elif profile.phone_share >= MAJORITY:
            decided = msgspec.structs.replace(choice, source=MatchSource.UNDECIDED, reason=texts.WHOSE_PHONES)
        elif "email" not in used and profile.email_share >= MAJORITY:
            decided = set_field(choice, "email", _EMAIL_CONFIDENCE, texts.CELLS_ARE_EMAILS)
        elif profile.title_match.field and profile.title_match.field not in used:
            decided = _choose_by_titles(choice, profile.title_match)
        else:
            continue
        resolved[choice.index] = decided
        used.add(decided.field)
    return resolved


def choose_guardians_phones(
    choices: list[ColumnChoice], profiles: Sequence[ColumnProfile]
) -> list[ColumnChoice]:
    """Return the choices with the parents' phones as the lead's if the sheet has no others: a school calls them.

    A person is asked. If somebody has named one of them as the phone, the others are further phones.
    """
    phones = [choice for choice in choices if profiles[choice.index].phone_share >= MAJORITY]
    if not all(map(_is_about_guardian, phones)):
        return choices
    resolved = list(choices)
    field = "add_phones" if any(choice.field == LEADS_PHONE for choice in phones) else LEADS_PHONE
    for choice in phones:
        if choice.source is MatchSource.OTHER_PERSON:
            resolved[choice.index] = set_field(choice, field, _PHONE_CONFIDENCE, texts.GUARDIANS_PHONE)
            field = "add_phones"
    return resolved


def _is_about_guardian(choice: ColumnChoice) -> bool:
    return bool(find_word(normalize_header(choice.header), load_vocabulary().headers.guardians))


def _open_name_and_phone(choice: ColumnChoice, profile: ColumnProfile) -> ColumnChoice:
    """Return `Customer` as undecided if its cells are `Mr. Ravi / 98450 12345`: the phones contradict only half of it."""
    is_contradicted = choice.source is MatchSource.CONTRADICTED
    if is_contradicted and profile.holds_names_and_phones:
        return msgspec.structs.replace(choice, source=MatchSource.UNDECIDED)
    return choice


def _choose_by_titles(choice: ColumnChoice, match: TitleMatch) -> ColumnChoice:
    """Return the choice for cells that are titles of the account: all of them are sure, some are for a person to say."""
    label = FIELDS_BY_NAME[match.field].label.lower()
    if match.share >= MAJORITY:
        is_sure = match.share == 1 and match.is_only_one
        confidence = _ALL_TITLES_CONFIDENCE if is_sure else _TITLE_CONFIDENCE
        return set_field(choice, match.field, confidence, texts.CELLS_ARE_TITLES.format(field=label))
    if match.share < _MIN_SOME_TITLES:
        return choice
    return leave_out(choice, texts.SOME_CELLS_ARE_TITLES.format(field=label), MatchSource.CONTRADICTED)


def keep_unclaimed(choices: list[ColumnChoice], field: str) -> list[ColumnChoice]:
    """Return the choices with every column that nothing has claimed in `field`, for a preset that keeps them.

    These are the questions of a form, for example. What is about somebody else stays out.
    """
    return [
        msgspec.structs.replace(
            choice,
            field=field,
            source=MatchSource.PRESET,
            confidence=_KEPT_CONFIDENCE,
            reason=texts.KEPT_UNDER_HEADER,
        )
        if _is_unclaimed(choice)
        else choice
        for choice in choices
    ]


def _is_unclaimed(choice: ColumnChoice) -> bool:
    """Return whether nothing has taken a column. One about another person, or whose field is taken, stays out."""
    is_settled = choice.source in (MatchSource.OTHER_PERSON, MatchSource.TAKEN)
    return bool(choice.header) and not choice.source.gives_field and not is_settled


def is_undecided(choice: ColumnChoice) -> bool:
    """Return whether neither a person nor a preset nor the header has decided on a column."""
    return choice.source in (MatchSource.UNKNOWN_HEADER, MatchSource.UNDECIDED) and bool(choice.header)


def _is_only_phone(
    choice: ColumnChoice, choices: Sequence[ColumnChoice], profiles: Sequence[ColumnProfile]
) -> bool:
    """Whether a column is the only one of phones.

    If there are several, it is the one whose header has a word for phones, or, without headers, the first. A number that
    is in every row is that of a partner or an office: as the phone of the leads, it would make one lead of them all.
    """
    phones = [
        rival
        for rival in choices
        if _may_be_phone(rival)
        and profiles[rival.index].phone_share >= MAJORITY
        and not profiles[rival.index].repeats_one_value
    ]
    rivals = [rival for rival in phones if has_phone_word(rival.header)] or phones
    are_unnamed = all(rival.header == format_column_name(rival.index) for rival in rivals)
    return choice in rivals and (len(rivals) == 1 or (are_unnamed and choice is rivals[0]))


def _may_be_phone(choice: ColumnChoice) -> bool:
    """Whether a column is undecided, or was left out for a word that does not matter here (`Verified phone`)."""
    if is_undecided(choice):
        return True
    return choice.source is MatchSource.OTHER_MEANING and has_phone_word(choice.header)


def set_field(choice: ColumnChoice, field: str, confidence: float, reason: str) -> ColumnChoice:
    """Return the choice with a field that the cells have decided."""
    return msgspec.structs.replace(
        choice, field=field, source=MatchSource.CONTENT, confidence=confidence, reason=reason
    )


def require_phone_column(
    headers: Sequence[str], choices: Sequence[ColumnChoice], profiles: Sequence[ColumnProfile]
) -> None:
    """Raise MissingPhoneColumnError if no column is a phone of the lead.

    It names the columns that may be the phone column, and what to type for the first of them.
    """
    if any(choice.field in (LEADS_PHONE, "add_phones") for choice in choices):
        return
    near = _find_candidates(choices, profiles)
    example = next((make_column_key(headers, c.index) for c in (*near, *choices) if c.header), "HEADER")
    columns = ", ".join(f'"{header}"' for header in headers if header)
    if not near and not any(profile.phone_share for profile in profiles):
        raise MissingPhoneColumnError(
            *texts.NO_PHONES_AT_ALL.format(columns=columns, example=example, field=LEADS_PHONE)
        )
    details = "".join(
        texts.LEFT_OUT_DETAIL.format(header=choice.header, reason=choice.reason)
        for choice in near[:_MAX_DETAILS]
    )
    details = details or texts.COLUMNS_DETAIL.format(columns=columns)
    raise MissingPhoneColumnError(
        *texts.NO_PHONE_COLUMN.format(details=details, example=example, field=LEADS_PHONE)
    )


def _find_candidates(
    choices: Sequence[ColumnChoice], profiles: Sequence[ColumnProfile]
) -> list[ColumnChoice]:
    """Return the columns of phones, else those whose header has a word for phones and whose cells may be phones."""
    phones = [choice for choice in choices if profiles[choice.index].phone_share >= MAJORITY]
    return phones or [choice for choice in choices if _is_candidate(choice, profiles[choice.index])]


def _is_candidate(choice: ColumnChoice, profile: ColumnProfile) -> bool:
    if choice.source == MatchSource.CONTRADICTED and match_header(choice.header).field == LEADS_PHONE:
        return True  # only the cells are against it: all its numbers may be cut short
    header = normalize_header(choice.header)
    has_phone_stem = any(stem in header for stem in load_vocabulary().headers.phone_stems)
    return has_phone_stem and bool(profile.phone_like_share or not profile.cells)
