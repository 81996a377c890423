"""What a worker says of itself before a batch begins: its versions, the keys that it lacks, whether it reaches the journals."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import httpx
import msgspec

from importer.batch.key_reference import KeyReference, read_key
from importer.cluster.journal_service import ServiceAddress
from importer.cluster.send_task import WorkerPlace
from importer.errors import ImporterError, UsageError
from importer.messages import batch_messages

_COMPARED = ("superfone-importer", "distributed", "msgspec", "phonenumbers", "email-validator", "rapidfuzz")
"""The last three judge values. Another release knows other numbers."""
_TIMEOUT_S = 10.0


class WorkerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What matters of a worker. `missing_keys` are references that it cannot resolve."""

    versions: dict[str, str]
    missing_keys: tuple[str, ...]
    reaches_service: bool


def describe_worker(
    references: Sequence[KeyReference], folder: Path, service: ServiceAddress, place: WorkerPlace
) -> WorkerFacts:
    """Return what this worker is. No key leaves it."""
    return WorkerFacts(
        versions=read_versions(),
        missing_keys=tuple(str(one) for one in references if not _has_key(one, folder)),
        reaches_service=_reaches(service, place),
    )


def read_versions() -> dict[str, str]:
    """Return the versions that must be the same on all machines: values travel between them, and all judge alike."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"Python": python} | {name: version(name) for name in _COMPARED}


def check_workers(workers: Mapping[str, WorkerFacts], versions: Mapping[str, str]) -> None:
    """Raise UsageError with the first worker that cannot do the work, and why."""
    for address, facts in sorted(workers.items()):
        for name, ours in versions.items():
            if (theirs := facts.versions.get(name)) != ours:
                text = batch_messages.OTHER_VERSION
                raise UsageError(*text.format(worker=address, name=name, theirs=theirs, ours=ours))
        if facts.missing_keys:
            text = batch_messages.WORKER_WITHOUT_KEY
            raise UsageError(*text.format(worker=address, key=facts.missing_keys[0]))
        if not facts.reaches_service:
            raise UsageError(*batch_messages.UNREACHABLE_SERVICE.format(worker=address))


def _has_key(reference: KeyReference, folder: Path) -> bool:
    try:
        read_key(reference, folder, os.environ)
    except ImporterError:
        return False
    return True


def _reaches(service: ServiceAddress, place: WorkerPlace) -> bool:
    """Return whether the service answers. A call without a token is refused, which is answer enough."""
    with httpx.Client(verify=place.ssl_context or False, timeout=_TIMEOUT_S, trust_env=False) as http:
        try:
            return http.get(service.url).status_code == httpx.codes.NOT_FOUND
        except httpx.TransportError:
            return False
