"""Read a manifest: accounts with the places of their keys, and jobs, each a file for an account with its options.

    jobs = "jobs.csv"                 # or [[jobs]]; its columns are account, file, id and any option of `run`
    [defaults]                        # options of all jobs
    duplicates = "merge"
    [accounts.acme]                   # the place of its key; also its address and options of all its jobs
    key = "env:ACME_KEY"
    [[jobs]]
    account = "acme"
    file = "acme/2026-*.csv"          # a pattern is several jobs, sorted by name
    map = "maps/acme.toml"

Paths are relative to the folder of the manifest.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from glob import glob
from pathlib import Path
from typing import Any

import msgspec

from importer.batch.job_table import read_job_table
from importer.batch.key_reference import KeyPlace, KeyReference, parse_key_reference
from importer.credentials import BASE_URL_VARIABLE, DEFAULT_BASE_URL, normalize_base_url
from importer.errors import UsageError
from importer.messages import batch_messages
from importer.settings import PER_CALL_OPTIONS, Settings, is_run_id, resolve_settings
from importer.toml_file import parse_toml, read_short_text

_WILDCARDS = re.compile(r"[*?\[]")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]+")
_MAX_STEM = 60  # characters of the file's name in a run id
_JOB_KEYS = frozenset({"account", "file", "id"})
_ACCOUNT_KEYS = frozenset({"key", "base_url"})


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account of the manifest. Its name is that of its folder in the reports folder."""

    name: str
    key: KeyReference
    base_url: str


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One file for one account. `file` is its path, `name` the path as the manifest has it.

    `settings` have the run id and the folder of the account, so that the same manifest always makes the same runs.
    """

    account: str
    file: Path
    name: str
    settings: Settings

    @property
    def key(self) -> tuple[str, str]:
        """What tells the job from all others."""
        return self.account, self.run_id

    @property
    def run_id(self) -> str:
        """The id of the job's run."""
        assert self.settings.run_id is not None
        return self.settings.run_id

    @property
    def folder(self) -> Path:
        """The folder of the job's run."""
        return Path(self.settings.reports, self.run_id)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The accounts by name, and the jobs in order. `folder` is that of the manifest."""

    folder: Path
    accounts: dict[str, Account]
    jobs: tuple[Job, ...]

    @property
    def key_variables(self) -> dict[str, str]:
        """The variables of the environment that have keys, by account."""
        keys = {name: account.key for name, account in self.accounts.items()}
        return {name: key.name for name, key in keys.items() if key.place is KeyPlace.ENVIRONMENT}


class _ManifestFile(msgspec.Struct, forbid_unknown_fields=True):
    """The contents of the TOML file."""

    accounts: dict[str, dict[str, Any]] = {}
    jobs: str | list[dict[str, Any]] = []
    defaults: dict[str, Any] = {}


def read_manifest(path: Path, reports: Path, environ: Mapping[str, str]) -> Manifest:
    """Return the manifest. Raises UsageError with the place of what is wrong; a key is never shown."""
    try:
        content = msgspec.convert(parse_toml(read_short_text(path)), _ManifestFile)
    except OSError as error:
        raise UsageError(
            *batch_messages.UNREADABLE_MANIFEST.format(path=path, reason=error.strerror)
        ) from None
    except ValueError as error:  # not TOML, not UTF-8, or of another shape; no value is in the message
        raise UsageError(*batch_messages.UNREADABLE_MANIFEST.format(path=path, reason=error)) from None
    accounts = {
        name: _build_account(name, entry, environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL)
        for name, entry in content.accounts.items()
    }
    _check_account_names(accounts)
    jobs = tuple(_build_jobs(path.parent, content, accounts, reports))
    if not jobs:
        raise UsageError(*batch_messages.NO_JOBS.format(path=path))
    _check_run_ids(jobs)
    return Manifest(folder=path.parent, accounts=accounts, jobs=jobs)


# --- accounts


def _build_account(name: str, entry: Mapping[str, Any], default_url: str) -> Account:
    if not is_run_id(name):
        raise UsageError(*batch_messages.WRONG_ACCOUNT_NAME.format(name=name))
    key = entry.get("key")
    if key is None:
        raise UsageError(*batch_messages.ACCOUNT_WITHOUT_KEY.format(name=name))
    reference = parse_key_reference(key) if isinstance(key, str) else None
    if reference is None:
        raise UsageError(*batch_messages.KEY_IN_MANIFEST.format(name=name))
    return Account(
        name=name, key=reference, base_url=normalize_base_url(str(entry.get("base_url") or default_url))
    )


def _check_account_names(accounts: Mapping[str, Account]) -> None:
    """Raise UsageError for two names that are one folder where upper and lower case are the same."""
    names: dict[str, str] = {}
    for name in accounts:
        if (other := names.setdefault(name.casefold(), name)) != name:
            raise UsageError(*batch_messages.SIMILAR_ACCOUNT_NAMES.format(name=name, other=other))


# --- jobs


def _build_jobs(
    folder: Path, content: _ManifestFile, accounts: Mapping[str, Account], reports: Path
) -> Iterator[Job]:
    """Yield the jobs in the order of the manifest, those of a pattern sorted by name."""
    for place, entry in _list_entries(folder, content.jobs):
        account = accounts.get(str(entry.get("account", "")))
        if account is None:
            raise UsageError(
                *batch_messages.UNKNOWN_ACCOUNT.format(place=place, name=entry.get("account", ""))
            )
        given = str(entry.get("file", ""))
        names = _expand_pattern(folder, given, reports)
        if not names or not given:
            raise UsageError(*batch_messages.NO_SUCH_FILES.format(place=place, file=given))
        if "id" in entry and len(names) > 1:
            raise UsageError(*batch_messages.ID_OF_SEVERAL_FILES.format(place=place, file=given))
        options = _merge_options(content, account.name, entry)
        for name in names:
            run_id = str(entry.get("id") or _make_run_id(name))
            settings = _resolve_options(place, options, folder, reports / account.name, run_id)
            yield Job(account=account.name, file=folder / name, name=name, settings=settings)


def _list_entries(folder: Path, jobs: str | list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each entry with its place in words."""
    if isinstance(jobs, str):
        for number, row in read_job_table(folder / jobs):
            yield batch_messages.PLACE_IN_TABLE.format(file=jobs, row=number), row
    else:
        for number, entry in enumerate(jobs, 1):
            yield batch_messages.PLACE_IN_MANIFEST.format(number=number), entry


def _expand_pattern(folder: Path, given: str, reports: Path) -> list[str]:
    """Return the files that a pattern matches, sorted by name; a name without wildcards as it is.

    Reports of earlier runs are no sheets of this batch, and neither is what Excel keeps beside an open file (`~$a.xlsx`).
    """
    if not _WILDCARDS.search(given) or (folder / given).exists():
        return [given]
    found = map(Path, glob(given, root_dir=folder, recursive=True))  # noqa: PTH207 - Path takes no absolute pattern
    return sorted(
        path.as_posix()
        for path in found
        if (folder / path).is_file()
        and not path.name.startswith("~$")
        and not (folder / path).resolve().is_relative_to(reports.resolve())
    )


def _merge_options(content: _ManifestFile, account: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a job: its own over those of its account over the defaults."""
    of_account = {
        name: value for name, value in content.accounts[account].items() if name not in _ACCOUNT_KEYS
    }
    of_job = {name: value for name, value in entry.items() if name not in _JOB_KEYS}
    merged: dict[str, Any] = {}
    for options in (content.defaults, of_account, of_job):
        merged |= {name.replace("-", "_"): value for name, value in options.items()}
    return merged


def _resolve_options(
    place: str, options: Mapping[str, Any], folder: Path, reports: Path, run_id: str
) -> Settings:
    """Return the settings of a job. Raises UsageError with the place of what is wrong."""
    if wrong := sorted(options.keys() & PER_CALL_OPTIONS):
        raise UsageError(*batch_messages.NOT_AN_OPTION_OF_A_JOB.format(place=place, name=wrong[0]))
    paths = {"map": str(folder / str(options["map"]))} if "map" in options else {}
    try:
        return resolve_settings({**options, **paths, "reports": str(reports), "run_id": run_id})
    except UsageError as error:
        raise UsageError(f"{place}: {error.message}", error.advice) from None


def _make_run_id(name: str) -> str:
    """Return an id that always follows from the file's name: `2026-11_leads-3fa2c1d0`."""
    stem = _NOT_IN_A_NAME.sub("-", Path(name).stem).strip("-_")[:_MAX_STEM].rstrip("-_")
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{stem}-{digest}" if stem else digest


def _check_run_ids(jobs: tuple[Job, ...]) -> None:
    """Raise UsageError for two jobs that would be one run."""
    counts = Counter((job.account, job.run_id.casefold()) for job in jobs)
    for job in jobs:
        if counts[job.account, job.run_id.casefold()] > 1:
            raise UsageError(*batch_messages.SAME_JOB_TWICE.format(file=job.name, account=job.account))
