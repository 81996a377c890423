"""The texts that people read are plain English: none of our worst habits, and no sentence of more than 30 words.

Checked are README, CONTRIBUTING, CHANGELOG, docs/, the messages, the catalogue of issues, the pages and the help texts.
Code is left out (fenced blocks and `inline code`). In a Markdown table only the habits are checked. A passage between
`<!-- bad examples -->` and `<!-- end of bad examples -->` may quote what it warns about.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from importer.cli.main import Commands

ROOT = Path(__file__).parents[1]
MAX_WORDS = 30

HABITS = {
    "write 'fix', not 'mend'": r"\bmend(s|ed|ing)?\b",
    "write 'import again', not 'feed back'": r"\b(feed|feeds|fed|feeding)(\s+\w+){0,3}\s+back\b",
    "name who says it, not 'told'": r"\btold\b",
    "write 'is not a ...', not 'is no ...'": r"(?<!there )\b(is|are|was|were) no (?!longer\b|more\b|doubt\b)\w+",
    "split the sentence, without 'of which'": r"\bof which\b",
    "write 'is', 'says' or 'has', not 'stands'": r"\bstands\b",
    "write 'anyone who' or name the person, not 'whoever'": r"\bwho(m)?ever\b",
    "name the person, not 'who asks'": r"\bwho asks\b",
}

_FENCED = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.DOTALL | re.MULTILINE)
_BAD_EXAMPLES = re.compile(r"<!-- bad examples -->.*?<!-- end of bad examples -->", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_INLINE_CODE = re.compile(r"`[^`]*`")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_HTML_CODE = re.compile(r"<(script|style|svg)\b.*?</\1>|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_HTML_BLOCK = re.compile(
    r"</?(p|li|ul|ol|h\d|td|th|tr|table|div|section|summary|details|title|main|body)\b[^>]*>"
)
_ITEM = re.compile(r"^ *([-*+]|\d+\.) +|^#+ +|^> ?", re.MULTILINE)
_SENTENCE_END = re.compile(r"(?<=[.!?:])[\"')*_]*\s+(?=[\"'(*_`]*(?:[A-Z0-9{]|importer\b))|\n{2,}")
_WORD = re.compile(r"[^\W_][\w'’.,:/{}-]*|\{\w*\}")


def find_habits(text: str) -> list[str]:
    """Return what is to be changed in a text, each with the words found."""
    return [
        f"{advice}: {found[0]!r}"
        for advice, pattern in HABITS.items()
        for found in re.finditer(pattern, text, re.IGNORECASE)
    ]


def find_long_sentences(text: str) -> list[str]:
    """Return the sentences of more than MAX_WORDS words."""
    sentences = (" ".join(part.split()) for part in _SENTENCE_END.split(text) if part)
    return [
        f"{count} words: {sentence}"
        for sentence in sentences
        if (count := len(_WORD.findall(sentence))) > MAX_WORDS
    ]


def read_markdown(text: str) -> tuple[str, str]:
    """Return the prose and the table cells of a page, without code, comments and link targets."""
    for pattern in (_FENCED, _BAD_EXAMPLES, _COMMENT):
        text = pattern.sub("\n\n", text)
    text = _LINK.sub(r"\1", _INLINE_CODE.sub("CODE", text))
    lines = text.splitlines()
    tables = "\n".join(line for line in lines if line.lstrip().startswith("|"))
    prose = "\n".join("" if line.lstrip().startswith("|") else line for line in lines)
    return _ITEM.sub("\n\n", prose), tables


def read_html(text: str) -> str:
    """Return the text of a page, without script, style and template statements."""
    text = _HTML_BLOCK.sub("\n\n", _HTML_CODE.sub(" ", _COMMENT.sub(" ", text)))
    return re.sub(r"<[^>]*>", " ", re.sub(r"\{\{.*?\}\}", "{x}", text))


def read_strings(source: str) -> Iterator[tuple[int, str]]:
    """Yield every text of a Python file that is not a docstring; the values in an f-string are one word each."""
    tree = ast.parse(source)
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
            parts = (part.value if isinstance(part, ast.Constant) else "{x}" for part in node.values)
            yield node.lineno, "".join(map(str, parts))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


def read_help() -> Iterator[tuple[str, str]]:
    """Yield the help of every command and of every option."""
    commands = Commands("importer")
    context = click.Context(commands)
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert command is not None
        yield name, command.help or ""
        for option in command.params:
            yield f"{name} {option.name}", getattr(option, "help", None) or ""


PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
HTML_PAGES = sorted((ROOT / "importer").rglob("*.html"))
SOURCES = [*sorted((ROOT / "importer" / "messages").glob("*.py")), ROOT / "importer" / "issues.py"]


def to_relative_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=to_relative_name)
def test_page_is_plain_english(page):
    """A page has none of the habits, and its sentences are short."""
    prose, tables = read_markdown(page.read_text("utf-8"))
    assert [*find_habits(prose), *find_habits(tables), *find_long_sentences(prose)] == []


@pytest.mark.parametrize("page", HTML_PAGES, ids=to_relative_name)
def test_html_page_is_plain_english(page):
    """The pages that people open in a browser read like the docs."""
    text = read_html(page.read_text("utf-8"))
    assert [*find_habits(text), *find_long_sentences(text)] == []


@pytest.mark.parametrize("source", SOURCES, ids=to_relative_name)
def test_messages_are_plain_english(source):
    """Errors, notices, questions and reports read like the docs."""
    found = [
        f"line {line}: {problem}"
        for line, text in read_strings(source.read_text("utf-8"))
        for problem in (*find_habits(text), *find_long_sentences(text))
    ]
    assert found == []


def test_help_is_plain_english():
    """`importer COMMAND --help` reads like the docs."""
    found = [
        f"{place}: {problem}"
        for place, text in read_help()
        for problem in (*find_habits(text), *find_long_sentences(text))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "is_bad"),
    [
        ("Mend the cell and feed it back.", True),
        ("This row is no lead.", True),
        ("Two sheets, of which one is hidden.", True),
        ("The number stands in row 3.", True),
        ("You are told why.", True),
        ("Whoever runs your network can help.", True),
        ("Fix the cell and import the file again.", False),
        ("There is no undo.", False),
        ("It is no longer there.", False),
        ("This understands amendments.", False),
    ],
)
def test_habits_are_found(text, is_bad):
    """The check can fail, and it does not fail on good sentences."""
    assert bool(find_habits(text)) is is_bad


def test_long_sentences_are_found_and_code_is_skipped():
    """31 words are too many; 30 are not; a list item, a code block and inline code do not count as prose."""
    words = " ".join(["word"] * 30)
    assert find_long_sentences(f"Word {words}.")
    assert not find_long_sentences(f"{words}. Word {words[5:]}.")
    prose, tables = read_markdown(f"- {words}\n- {words}\n\n```\nmend\n```\nSee `mend` here.\n\n| a | b |\n")
    assert not find_long_sentences(prose)
    assert not find_habits(prose + tables)
    assert tables == "| a | b |"
