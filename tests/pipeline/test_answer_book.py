"""The book asks the front end each question once, and gives every other answer from memory."""

from pathlib import Path

from importer.models.mapping import ColumnChoice, MatchSource
from importer.pipeline.answer_book import AnswerBook
from importer.pipeline.questions import (
    BadCells,
    ColumnQuestion,
    RestQuestion,
    SendDecision,
    SheetQuestion,
    UnknownValue,
)


class ScriptedPrompter:
    """Answers from a script, and notes which questions it got."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def confirm_saved_map(self, path):
        self.asked.append("saved map")
        return self.answers["saved_map"]

    def choose_sheets(self, sheets):
        self.asked.append("sheets")
        return self.answers["sheets"]

    def choose_phone_column(self, questions):
        self.asked.append("phone column")
        return self.answers["phone"]

    def choose_columns(self, questions):
        self.asked.append([(question.name, sorted(question.taken)) for question in questions])
        return {question.name: self.answers[question.name] for question in questions}

    def choose_titles(self, unknown):
        self.asked.append([value.value for value in unknown])
        answers = {}
        for value in unknown:
            if (title := self.answers[value.value]) is not None:
                answers.setdefault(value.field, {})[value.value] = title
        return answers

    def confirm_rest(self, question):
        self.asked.append(question.names)
        return self.answers["rest"]

    def confirm_drop_bad_cells(self, bad_cells):
        self.asked.append("bad cells")
        return self.answers["bad_cells"]

    def confirm_send(self, summary, answers):
        self.listed = answers
        return SendDecision.SEND


def test_sheets_are_asked_for_once_and_can_be_changed():
    """A name may have a comma in it, so the answer is kept as positions."""
    sheets = [SheetQuestion("Pune, Nashik", ("Phone",)), SheetQuestion("Goa", ("Phone",))]
    prompter = ScriptedPrompter(sheets=["Pune, Nashik"])
    book = AnswerBook(prompter)
    assert book.choose_sheets(sheets) == book.choose_sheets(sheets) == ["Pune, Nashik"]
    assert prompter.asked == ["sheets"]
    book.confirm_send(None)
    (answer,) = prompter.listed
    book.forget(answer)
    prompter.answers["sheets"] = ["Goa", "Pune, Nashik"]
    book.begin_check()
    assert book.choose_sheets(sheets) == ["Pune, Nashik", "Goa"]


def make_column(name):
    choice = ColumnChoice(
        index=0, header=name, field="", source=MatchSource.UNDECIDED, confidence=0, reason=""
    )
    return ColumnQuestion(name, choice, frozenset())


def make_value(value, rows=1):
    return UnknownValue("lead_stage_name", "Stage", value, rows, ("New", "Won"))


def list_answers(book, prompter):
    book.confirm_send(None)
    return [(answer.key[-1], answer.value) for answer in prompter.listed]


def test_second_check_asks_nothing_again():
    """Counts and samples may differ in the second check: the question is the same."""
    prompter = ScriptedPrompter(
        saved_map=True, phone="Contact", Adress="city", Zzz="New", Qqq=None, bad_cells=False
    )
    book = AnswerBook(prompter)
    for rows in (1, 2):
        book.begin_check()
        assert book.confirm_saved_map(Path("a.toml"))
        assert book.choose_phone_column([make_column("Contact")]) == "Contact"
        assert book.choose_columns([make_column("Adress")]) == {"Adress": "city"}
        values = [make_value("Zzz", rows), make_value("Qqq", rows)]
        assert book.choose_titles(values) == {"lead_stage_name": {"Zzz": "New"}}
        assert not book.confirm_drop_bad_cells(BadCells(rows, ()))
    assert len(prompter.asked) == 5
    assert list_answers(book, prompter) == [
        ("saved map", "yes"),
        ("Contact", "Contact"),
        ("Adress", "city"),
        ("Zzz", "New"),
        ("Qqq", None),
        ("bad cells", "no"),
    ]
    assert prompter.listed[3].question.rows == 2


def test_only_a_forgotten_answer_is_asked_again_and_stays_at_its_place():
    prompter = ScriptedPrompter(One="New", Two="Won")
    book = AnswerBook(prompter)
    values = [make_value("One"), make_value("Two")]
    book.choose_titles(values)
    list_answers(book, prompter)
    book.forget(prompter.listed[0])
    prompter.answers["One"] = "Won"
    book.begin_check()
    assert book.choose_titles(values) == {"lead_stage_name": {"One": "Won", "Two": "Won"}}
    assert prompter.asked == [["One", "Two"], ["One"]]
    assert list_answers(book, prompter) == [("One", "Won"), ("Two", "Won")]


def test_field_that_another_answer_took_is_not_offered_for_a_changed_column():
    prompter = ScriptedPrompter(One="city", Two="website", Three="customer_note")
    book = AnswerBook(prompter)
    columns = [make_column(name) for name in ("One", "Two", "Three")]
    book.choose_columns(columns)
    list_answers(book, prompter)
    book.forget(prompter.listed[1])
    book.choose_columns(columns)
    assert prompter.asked[1] == [("Two", ["city"])]


def test_answer_whose_question_does_not_come_up_again_is_not_listed():
    """With another stage column its values are other ones."""
    prompter = ScriptedPrompter(One="New", Two="Won")
    book = AnswerBook(prompter)
    book.choose_titles([make_value("One")])
    book.begin_check()
    book.choose_titles([make_value("Two")])
    assert list_answers(book, prompter) == [("Two", "Won")]


def test_rest_is_asked_about_once_and_listed():
    """Other columns, such as after a change of the phone column, are a question of their own."""
    prompter = ScriptedPrompter(rest=False)
    book = AnswerBook(prompter)
    for names in (("Class", "Hostel"), ("Class", "Hostel"), ("Class",)):
        book.begin_check()
        assert not book.confirm_rest(RestQuestion(names))
    assert prompter.asked == [("Class", "Hostel"), ("Class",)]
    assert list_answers(book, prompter) == [("Class", "no")]


def test_answers_are_given_to_the_keeper_before_the_run_goes_on():
    """A front end that can be killed writes them to disk; the next book asks nothing that was answered."""
    kept = []

    class Kept(dict):
        def update(self, answers):
            super().update(answers)
            kept.append(dict(answers))

    values = Kept()
    prompter = ScriptedPrompter(phone="Contact", Zzz="New", Qqq=None)
    book = AnswerBook(prompter, values)
    book.choose_phone_column([make_column("Contact")])
    book.choose_titles([make_value("Zzz"), make_value("Qqq")])
    assert [list(one.values()) for one in kept] == [["Contact"], ["New", None]]
    again = AnswerBook(ScriptedPrompter(), dict(values))
    assert again.choose_phone_column([make_column("Contact")]) == "Contact"
    assert again.choose_titles([make_value("Zzz"), make_value("Qqq")]) == {"lead_stage_name": {"Zzz": "New"}}
