"""What all our HTML pages share: one style, texts that are escaped, and a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, Template, select_autoescape

from importer.messages import format_count
from importer.report.charts import STATUS_COLOURS
from importer.untrusted_text import sanitize


def render_page(package: str, template: str, context: Mapping[str, Any]) -> str:
    """Return the page of a template that lies in `package`."""
    return load_template(package, template).render(context)


@cache
def load_template(package: str, template: str) -> Template:
    """Return a template, which is compiled once: that takes 0.08 CPU seconds, and a batch writes thousands of pages."""
    loaders = [
        PackageLoader(package, "."),
        PackageLoader(__package__, "."),
    ]  # the frame of all pages lies here
    environment = Environment(
        loader=ChoiceLoader(loaders), autoescape=select_autoescape(default=True), trim_blocks=True
    )
    environment.filters["sanitize"] = lambda value: sanitize(str(value))
    environment.filters["count"] = lambda value: f"{format_count(value)}"
    return environment.get_template(template)


def read_style() -> str:
    """Return the style of all pages, with a colour for each status."""
    tokens = resources.files("importer").joinpath("tokens.css").read_text("utf-8")
    return tokens + read_part("report.css") + _format_status_colours()


def read_part(name: str) -> str:
    """Return a file of this package."""
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def build_policy(scripts: Iterable[str], styles: Iterable[str]) -> str:
    """Return the Content-Security-Policy: the page may run our script and use our styles, and nothing else."""
    return (
        f"default-src 'none'; script-src {_format_hashes(scripts)}; style-src {_format_hashes(styles)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _format_hashes(parts: Iterable[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in parts)
    return " ".join(f"'sha256-{digest}'" for digest in dict.fromkeys(digests))


def _format_status_colours() -> str:
    """Return the CSS of each status, such as `.s-failed { --c: #991b1b }`."""
    return "".join(f".s-{status} {{ --c: {colour} }}\n" for status, colour in STATUS_COLOURS.items())
