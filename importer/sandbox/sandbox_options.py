"""The options of a sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from importer.messages import sandbox_messages

Share = Annotated[float, Meta(ge=0, le=1)]


class SandboxOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Every field is an option of `importer sandbox`. Its description is the option's help."""

    port: Annotated[int, Meta(ge=0, le=65535, description=sandbox_messages.PORT)] = 0
    db: Annotated[str | None, Meta(description=sandbox_messages.DB)] = None
    api_key: Annotated[str, Meta(description=sandbox_messages.API_KEY)] = "sandbox-key"
    latency: Annotated[float, Meta(ge=0, description=sandbox_messages.LATENCY)] = 0.0
    rate_limit: Annotated[float, Meta(ge=0, description=sandbox_messages.RATE_LIMIT)] = 0.0
    retry_after: Annotated[str, Meta(description=sandbox_messages.RETRY_AFTER)] = "seconds"
    concurrency_limit: Annotated[int, Meta(ge=0, description=sandbox_messages.CONCURRENCY_LIMIT)] = 0
    error_share: Annotated[Share, Meta(description=sandbox_messages.ERROR_SHARE)] = 0.0
    drop_before: Annotated[Share, Meta(description=sandbox_messages.DROP_BEFORE)] = 0.0
    drop_after: Annotated[Share, Meta(description=sandbox_messages.DROP_AFTER)] = 0.0
    seed: Annotated[int, Meta(description=sandbox_messages.SEED)] = 0

    @property
    def database(self) -> Path | None:
        """The SQLite file, or None for a sandbox in memory."""
        return Path(self.db) if self.db else None
