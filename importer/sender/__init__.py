"""Accepted rows out to the CRM, paced and retried; a result for each."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importer.sender.client import Client, open_client
    from importer.sender.loop import Progress, SendSettings, Stop, send

__all__ = ["Client", "Progress", "SendSettings", "Stop", "open_client", "send"]


def __getattr__(name: str) -> Any:
    """Load what is asked for and no more: the account's lists are fetched without the loop that sends."""
    if name not in __all__:
        raise AttributeError(f"module 'importer.sender' has no attribute {name!r}")
    home = "client" if name in ("Client", "open_client") else "loop"
    return getattr(import_module(f"importer.sender.{home}"), name)
