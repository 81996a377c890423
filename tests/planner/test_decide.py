"""The table of decisions: the sheet's value, the CRM's, the last one sent, and the mode give one effect."""

import itertools

import pytest

from importer.fields import FIELDS
from importer.models.row_plan import Effect
from importer.planner.decide import Base, Mode, Stages, build_value, decide
from importer.planner.values import canonicalize, fingerprint

KEY = b"key"
STAGES = Stages({"New": 1, "Interested": 2, "Won": 3, "Lost": 4}, frozenset({"Won", "Lost"}))
SAME, FILL, SET, ADD, KEPT = Effect.SAME, Effect.FILL, Effect.SET, Effect.ADD, Effect.KEPT
EDITED, FOREIGN, CONFLICT = Effect.EDITED, Effect.FOREIGN, Effect.CONFLICT


def make_base(field, sent, shown=None):
    """Build the memory of a value that was sent, and of the value that the CRM showed after it."""

    def identify(value):
        return fingerprint(KEY, field, value)

    first = identify(canonicalize(field, sent))
    return Base(first, first, identify(canonicalize(field, shown)) if shown else first, KEY, field)


# (sheet, CRM, last sent) -> the effect for each mode but `forward`
NO_MEMORY = "nothing was sent before"
TABLE = [
    ("Pune", "Pune", NO_MEMORY, dict.fromkeys(("overwrite", "fill", "append", "unedited"), SAME)),
    ("Pune", None, NO_MEMORY, dict.fromkeys(("overwrite", "fill", "append", "unedited"), FILL)),
    ("Pune", None, "Nashik", {"overwrite": FILL, "fill": FILL, "append": FILL, "unedited": EDITED}),
    ("Pune", "Nashik", NO_MEMORY, {"overwrite": SET, "fill": KEPT, "append": KEPT, "unedited": FOREIGN}),
    ("Pune", "Nashik", "Nashik", {"overwrite": SET, "fill": KEPT, "append": KEPT, "unedited": SET}),
    ("Pune", "Nashik", "Pune", {"overwrite": SET, "fill": KEPT, "append": KEPT, "unedited": EDITED}),
    ("Pune", "Nashik", "Delhi", {"overwrite": SET, "fill": KEPT, "append": KEPT, "unedited": CONFLICT}),
    (None, None, NO_MEMORY, dict.fromkeys(("overwrite", "fill", "append", "unedited"), SAME)),
    (None, "Nashik", NO_MEMORY, {"overwrite": SET, "fill": KEPT, "append": KEPT, "unedited": FOREIGN}),
    (None, "Nashik", "Nashik", {"overwrite": SET, "fill": KEPT, "append": KEPT, "unedited": SET}),
]
CASES = [
    pytest.param(*case[:3], mode, effect, id=f"{case[0]}-{case[1]}-{case[2]}-{mode}")
    for case in TABLE
    for mode, effect in {**case[3], "keep": KEPT}.items()
]


@pytest.mark.parametrize(("ours", "theirs", "sent", "mode", "effect"), CASES)
def test_field_gets_the_effect_of_the_table(ours, theirs, sent, mode, effect):
    """Each cell of the table in docs/planning.md."""
    base = None if sent == NO_MEMORY else make_base("city", sent)
    assert decide("city", ours, theirs, base, Mode(mode)) is effect


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.KEEP])
def test_what_the_crm_made_of_our_value_counts_as_our_value(mode):
    """A CRM that cuts or trims texts must not get the same value again with each import."""
    base = make_base("city", "Pune  City", shown="PUNE CITY")
    assert decide("city", "Pune  City", "PUNE CITY", base, mode) is SAME
    assert decide("city", "Pune  City", "Pune City", base, Mode.OVERWRITE) is SET


def test_a_value_that_the_crm_changed_is_not_an_edit():
    """`unedited` may set a field whose value is what the CRM made of the last import."""
    base = make_base("city", "Pune  City", shown="PUNE CITY")
    assert decide("city", "Mumbai", "PUNE CITY", base, Mode.UNEDITED) is SET


@pytest.mark.parametrize(
    ("ours", "theirs", "effect"),
    [
        ("Interested", "New", SET),
        ("New", "Interested", KEPT),
        ("New", "New", SAME),
        ("Won", "New", SET),
        ("Lost", "Won", KEPT),
        ("Won", "Lost", KEPT),
        ("Interested", "Won", KEPT),
        ("Interested", "A stage of another account", KEPT),
        ("A stage of another account", "New", KEPT),
        ("Interested", None, FILL),
        (None, "New", KEPT),
    ],
)
def test_forward_never_takes_a_lead_back(ours, theirs, effect):
    """A lead that is won or lost stays so, and an old sheet takes no lead to an earlier stage."""
    assert decide("lead_stage_name", ours, theirs, None, Mode.FORWARD, STAGES) is effect


def test_append_keeps_what_the_crm_has_and_adds_what_it_lacks():
    """E-mails are joined, texts get a new line, and nothing is added twice."""
    emails = ["old@x.in"]
    assert decide("email", ["New@x.in", "OLD@x.in"], emails, None, Mode.APPEND) is ADD
    assert build_value("email", ADD, ["New@x.in", "OLD@x.in"], emails) == ["old@x.in", "New@x.in"]
    assert decide("email", ["OLD@x.in"], emails, None, Mode.APPEND) is SAME
    assert decide("additional_info", "Budget: 60L", "Flat booked", None, Mode.APPEND) is ADD
    assert build_value("additional_info", ADD, "Budget: 60L", "Flat booked") == "Flat booked\nBudget: 60L"
    assert decide("additional_info", "Budget: 60L", "Flat booked\nBudget: 60L ", None, Mode.APPEND) is SAME
    assert (
        build_value("additional_info", ADD, "Flat booked\nLoan: no", "Flat booked") == "Flat booked\nLoan: no"
    )


VALUES = {
    "numbers": [None, 5, 7.5],
    "lists": [None, [], ["a@x.in"], ["b@x.in"]],
    "texts": [None, "", "a", "b"],
}
KINDS = {"money": "numbers", "coordinate": "numbers", "emails": "lists", "phones": "lists", "titles": "lists"}
PROTECTED = (Mode.FILL, Mode.KEEP, Mode.APPEND, Mode.UNEDITED)


@pytest.mark.parametrize(
    "field", [field for field in FIELDS if field.kind != "dial code"], ids=lambda one: one.name
)
def test_decision_is_total_and_protected_modes_replace_nothing_of_others(field):
    """Over all values: each combination has an effect, and only what this tool wrote is ever replaced."""
    values = VALUES[KINDS.get(field.kind, "texts")]
    for ours, theirs, mode in itertools.product(values, values, Mode):
        for sent in [NO_MEMORY, *values]:
            base = None if sent == NO_MEMORY else make_base(field.name, sent)
            effect = decide(field.name, ours, theirs, base, mode, STAGES)
            crm = canonicalize(field.name, theirs)
            is_ours = base is not None and base.is_theirs(crm)
            if mode in PROTECTED and effect is SET:
                assert is_ours, (ours, theirs, sent, mode)
            if effect is FILL:
                assert crm is None
