"""The texts of options are complete."""

import pytest

from importer.errors import UsageError
from importer.messages import settings_messages
from importer.settings import Settings, resolve_settings


def test_every_option_has_help():
    """A new option must not break `importer run --help`."""
    assert tuple(settings_messages.OPTION_HELP) == Settings.__struct_fields__
    assert all(help_.text.endswith((".", ".]")) for help_ in settings_messages.OPTION_HELP.values())


@pytest.mark.parametrize(
    ("flags", "config", "message"),
    [
        ({"rate": "fast"}, {}, "--rate takes auto, or a number above 0 (100000 at most), not 'fast'."),
        ({}, {"limit": "x"}, "\"limit\" in the settings file takes a whole number from 1 to 1000000000, not 'x'."),
        ({"duplicates": "all"}, {}, "--duplicates takes merge or first or last or reject, not 'all'."),
        ({}, {"create": "no way"}, "\"create\" in the settings file takes true or false, not 'no way'."),
        ({}, {"Rate": 5}, 'There is no option "Rate", but the settings file has it. Did you mean "rate"?'),
        ({"xyzzy": 1}, {}, 'There is no option "xyzzy". See importer run --help.'),
    ],
    ids=["flag", "config", "choice", "switch", "unknown-in-config", "unknown-flag"],
)  # fmt: skip
def test_wrong_option_is_explained(flags, config, message):
    """The error names the option, what it takes, and where the wrong value is."""
    with pytest.raises(UsageError) as raised:
        resolve_settings(flags, config)
    assert str(raised.value) == message
