"""Accepted rows out to the CRM, paced and retried; a result for each."""

from importer.sender.client import Client, open_client
from importer.sender.loop import Progress, SendSettings, Stop, send

__all__ = ["Client", "Progress", "SendSettings", "Stop", "open_client", "send"]
