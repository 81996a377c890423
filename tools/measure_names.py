"""Measure the names of the package: how many functions begin with a verb, end in "of", or are participles.

Usage: python tools/measure_names.py [PACKAGE_DIR] [--list verbless|of|participles|files]

Counted are all functions and methods that are not dunder methods, properties, or overrides that a library prescribes.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

VERBS = frozenset(
    [
        "accept",
        "acquire",
        "add",
        "allow",
        "annotate",
        "answer",
        "append",
        "apply",
        "approve",
        "arrange",
        "as",
        "ask",
        "assert",
        "assign",
        "attach",
        "await",
        "backup",
        "be",
        "begin",
        "bind",
        "block",
        "bound",
        "build",
        "cache",
        "calculate",
        "call",
        "can",
        "cancel",
        "cap",
        "carry",
        "catch",
        "change",
        "check",
        "choose",
        "classify",
        "clean",
        "cleanup",
        "clear",
        "close",
        "collapse",
        "collect",
        "combine",
        "commit",
        "compare",
        "compile",
        "complete",
        "compute",
        "concatenate",
        "confirm",
        "connect",
        "consume",
        "contain",
        "contains",
        "continue",
        "convert",
        "copy",
        "correct",
        "count",
        "cover",
        "create",
        "cut",
        "decide",
        "decode",
        "decrease",
        "deduplicate",
        "delete",
        "deliver",
        "derive",
        "describe",
        "detect",
        "determine",
        "diff",
        "disable",
        "discard",
        "disconnect",
        "discover",
        "dispatch",
        "display",
        "divide",
        "do",
        "download",
        "drain",
        "draw",
        "drop",
        "dump",
        "emit",
        "empty",
        "enable",
        "encode",
        "end",
        "ensure",
        "enter",
        "enqueue",
        "escape",
        "estimate",
        "evaluate",
        "exchange",
        "exclude",
        "execute",
        "exit",
        "expand",
        "expect",
        "explain",
        "export",
        "expose",
        "extend",
        "extract",
        "fail",
        "feed",
        "fetch",
        "fill",
        "filter",
        "find",
        "finish",
        "fit",
        "fix",
        "flush",
        "fold",
        "follow",
        "forget",
        "fork",
        "format",
        "forward",
        "free",
        "from",
        "gather",
        "generate",
        "get",
        "give",
        "go",
        "grant",
        "group",
        "grow",
        "guard",
        "guess",
        "halt",
        "handle",
        "has",
        "hash",
        "hide",
        "hold",
        "ignore",
        "import",
        "include",
        "increase",
        "increment",
        "index",
        "infer",
        "inherit",
        "init",
        "initialize",
        "inject",
        "insert",
        "inspect",
        "install",
        "intend",
        "interpret",
        "interrupt",
        "invoke",
        "is",
        "iterate",
        "iter",
        "join",
        "judge",
        "jump",
        "keep",
        "kill",
        "label",
        "launch",
        "learn",
        "leave",
        "lend",
        "limit",
        "link",
        "list",
        "listen",
        "load",
        "locate",
        "lock",
        "log",
        "look",
        "loosen",
        "lower",
        "main",
        "make",
        "map",
        "mark",
        "match",
        "may",
        "measure",
        "merge",
        "mock",
        "modify",
        "move",
        "must",
        "name",
        "narrow",
        "need",
        "needs",
        "normalize",
        "note",
        "notify",
        "obtain",
        "on",
        "open",
        "order",
        "pad",
        "parse",
        "pass",
        "paste",
        "patch",
        "pause",
        "peek",
        "pick",
        "place",
        "plan",
        "pop",
        "populate",
        "post",
        "prepare",
        "preview",
        "print",
        "probe",
        "process",
        "produce",
        "promote",
        "prompt",
        "propagate",
        "protect",
        "provide",
        "prune",
        "publish",
        "pull",
        "purge",
        "push",
        "put",
        "query",
        "quit",
        "quote",
        "raise",
        "read",
        "rebuild",
        "receive",
        "recheck",
        "recognise",
        "recognize",
        "record",
        "recover",
        "reduce",
        "refill",
        "refresh",
        "refuse",
        "register",
        "reject",
        "release",
        "reload",
        "remember",
        "remove",
        "rename",
        "render",
        "repair",
        "repeat",
        "replace",
        "reply",
        "report",
        "request",
        "require",
        "reserve",
        "reset",
        "resolve",
        "respond",
        "restart",
        "restore",
        "resume",
        "retry",
        "return",
        "reuse",
        "reverse",
        "revive",
        "rewrite",
        "roll",
        "rotate",
        "round",
        "route",
        "run",
        "sample",
        "sanitize",
        "save",
        "scan",
        "schedule",
        "score",
        "scrub",
        "search",
        "see",
        "select",
        "send",
        "separate",
        "serialize",
        "serve",
        "set",
        "settle",
        "shift",
        "should",
        "show",
        "shrink",
        "shut",
        "shutdown",
        "sign",
        "signal",
        "skip",
        "sleep",
        "slice",
        "slow",
        "sort",
        "spend",
        "split",
        "spread",
        "stage",
        "start",
        "step",
        "stop",
        "store",
        "stream",
        "strip",
        "submit",
        "subtract",
        "suggest",
        "sum",
        "summarize",
        "supports",
        "suspend",
        "swap",
        "switch",
        "sync",
        "take",
        "teach",
        "tell",
        "terminate",
        "test",
        "throttle",
        "thin",
        "tick",
        "time",
        "to",
        "touch",
        "trace",
        "track",
        "transform",
        "translate",
        "transmit",
        "trim",
        "trust",
        "try",
        "tune",
        "undo",
        "unescape",
        "unlock",
        "unpack",
        "unset",
        "unwrap",
        "update",
        "upload",
        "upsert",
        "use",
        "validate",
        "verify",
        "visit",
        "wait",
        "wake",
        "walk",
        "warn",
        "was",
        "widen",
        "withdraw",
        "wrap",
        "write",
        "yield",
    ]
)
PARTICIPLE_NOUNS = frozenset(
    {"speed", "feed", "seed", "need", "embed", "string", "bring", "ring", "heading", "spelling"}
)
PRESCRIBED = frozenset(
    {
        "aclose",
        "handle_async_request",
        "list_commands",
        "get_command",
        "resolve_command",
        "invoke",
        "format_commands",
    }
)


class Function(NamedTuple):
    """A function or method of the package, and where it is defined."""

    name: str
    file: Path
    line: int


def find_functions(package: Path) -> Iterator[Function]:
    """Yield every function that the figures count."""
    for file in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            decorators = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
            if (
                node.name.startswith("__")
                or node.name in PRESCRIBED
                or decorators & {"property", "cached_property"}
            ):
                continue
            yield Function(node.name, file, node.lineno)


def starts_with_verb(name: str) -> bool:
    """Return whether the first word of a function's name is a verb (`is_`, `has_`, `to_`, `on_` count as one)."""
    return name.strip("_").split("_")[0] in VERBS


def has_of(name: str) -> bool:
    """Return whether a name begins or ends with `of`."""
    words = name.strip("_").split("_")
    return "of" in (words[0], words[-1])


def is_participle(name: str) -> bool:
    """Return whether a name is, or begins with, a participle such as `held` or `moved`."""
    first = name.strip("_").split("_")[0]
    irregular = {
        "held",
        "told",
        "kept",
        "shown",
        "taken",
        "given",
        "made",
        "said",
        "found",
        "built",
        "sent",
        "known",
        "put",
        "left",
        "lost",
        "gone",
        "begun",
        "written",
        "cut",
        "met",
        "seen",
    }
    regular = len(first) > 4 and first.endswith(("ed", "ing")) and first not in PARTICIPLE_NOUNS
    return (first in irregular or regular) and first not in VERBS


def find_repeated_file_names(package: Path) -> list[str]:
    """Return the base names that more than one file of the package has."""
    names = Counter(file.name for file in package.rglob("*.*") if file.suffix in {".py", ".sql", ".html"})
    return sorted(name for name, count in names.items() if count > 1 and name != "__init__.py")


def main(arguments: list[str]) -> int:
    """Print the figures, or with --list the names behind one of them."""
    listed = arguments[arguments.index("--list") + 1] if "--list" in arguments else ""
    package = Path(next((a for a in arguments if not a.startswith("--") and a != listed), "importer"))
    functions = list(find_functions(package))
    groups = {
        "verbless": [f for f in functions if not starts_with_verb(f.name)],
        "of": [f for f in functions if has_of(f.name)],
        "participles": [f for f in functions if is_participle(f.name)],
    }
    if listed in groups:
        for function in groups[listed]:
            print(f"{function.file}:{function.line} {function.name}")
        return 0
    count = len(functions)
    print(f"functions                 {count}")
    print(f"begin with a verb         {1 - len(groups['verbless']) / count:.0%}")
    print(f"begin or end with of      {len(groups['of']) / count:.1%}")
    print(f"participles               {len(groups['participles']) / count:.1%}")
    print(f"file names used twice     {', '.join(find_repeated_file_names(package)) or 'none'}")
    print(f"modules                   {sum(1 for _ in package.rglob('*.py'))}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
