"""What a check says about leads that may exist: it looks up none, so it knows those that importer sent, and says so."""

from pathlib import Path

import pytest

from importer.cli.summary_view import format_summary
from importer.credentials import Credentials, Secret
from importer.errors import NothingSentError
from importer.pipeline.context import RunContext
from importer.pipeline.questions import SendDecision
from importer.pipeline.run import run
from importer.reader.source import make_open_options, open_file
from importer.settings import resolve_settings
from tests.support import KEY, write_csv

HEADER = ("Phone", "First Name", "Source")
ASHA, RAVI, MEENA = "9845000001", "9845000002", "9845000003"
ROWS = [(ASHA, "Asha", "Expo"), (RAVI, "Ravi", "Expo"), (MEENA, "Meena", "Expo")]


def write(importer, rows):
    return write_csv(importer.folder / "leads.csv", [HEADER, *rows])


# rows sent before -> the sentence about all three
SENTENCES = {
    0: "A check does not look up which leads the CRM has already. importer plan shows what would change.",
    1: "1 of the 3 leads was sent by importer before, and others may be in the CRM too. importer plan shows what would change.",
    2: "2 of the 3 leads were sent by importer before, and others may be in the CRM too. importer plan shows what would change.",
    3: "All 3 leads were sent by importer before. importer plan shows what would change.",
}


@pytest.mark.parametrize(("sent", "sentence"), SENTENCES.items())
def test_check_says_what_it_knows_and_names_the_plan(importer, crm, sent, sentence):
    """On the terminal, on the page with the command, and as a number in summary.json. No lead is looked up."""
    if sent:
        assert importer("run", write(importer, ROWS[:sent]), "--yes").code == 0
    before = len(crm.sandbox.store.ledger())
    sheet = write(importer, ROWS)
    checked = importer("check", sheet, "--no-create")
    assert len(crm.sandbox.store.ledger()) == before
    assert checked.summary["known_leads"] == sent
    assert sentence in checked.out
    page = (checked.folder / "report.html").read_text("utf-8")
    assert sentence in page
    assert f"importer plan {sheet} --no-create" in page


def test_question_before_the_sending_says_the_same(importer, crm):
    """The person can still say no and look at the plan first."""
    importer("run", write(importer, ROWS[:2]), "--yes")
    shown = ask(importer, crm)
    assert SENTENCES[2] in shown


class _Cautious:
    """Reads the summary, and does not send."""

    def confirm_send(self, summary, answers):
        del answers
        self.shown = list(format_summary(summary, Path(summary.folder)))
        return SendDecision.STOP


def ask(importer, crm):
    person = _Cautious()
    context = RunContext(
        settings=resolve_settings({}), credentials=Credentials(crm.base_url, Secret(KEY)), prompter=person
    )
    with (
        open_file(write(importer, ROWS), make_open_options(context.settings)) as sheet,
        pytest.raises(NothingSentError),
    ):
        run(sheet, context)
    return person.shown


def test_a_plan_and_a_run_say_nothing_of_it(importer, crm):
    """A plan has looked up every lead, and after a run the leads exist."""
    importer("run", write(importer, ROWS[:2]), "--yes")
    for ended in (importer("plan", write(importer, ROWS)), importer("run", write(importer, ROWS), "--yes")):
        assert "before" not in ended.out
        assert "importer plan shows" not in ended.out
