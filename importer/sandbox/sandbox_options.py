"""What a sandbox can be told when it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(ge=0, le=1)]


class SandboxOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Every field is an option of `importer sandbox`; its description is the option's help."""

    port: Annotated[int, Meta(ge=0, le=65535, description="Port on 127.0.0.1; 0 takes a free one.")] = 0
    db: Annotated[
        str | None, Meta(description="SQLite file that keeps the leads; none: forgotten at the end.")
    ] = None
    api_key: Annotated[str, Meta(description="The key that the sandbox accepts.")] = "sandbox-key"
    latency: Annotated[float, Meta(ge=0, description="Seconds that every answer takes.")] = 0.0
    rate_limit: Annotated[float, Meta(ge=0, description="Most requests a second; 0 is no limit.")] = 0.0
    retry_after: Annotated[
        str, Meta(description="What a 429 says of waiting: none, seconds, date, or the very words.")
    ] = "seconds"
    concurrency_limit: Annotated[int, Meta(ge=0, description="Most requests at once; 0 is no limit.")] = 0
    error_share: Annotated[Share, Meta(description="Share of leads that are answered 503.")] = 0.0
    drop_before: Annotated[
        Share, Meta(description="Share of leads whose connection drops before the work is done.")
    ] = 0.0
    drop_after: Annotated[
        Share, Meta(description="Share of leads whose connection drops after the work is done.")
    ] = 0.0
    seed: Annotated[int, Meta(description="Seed of the random faults.")] = 0

    @property
    def database(self) -> Path | None:
        """The SQLite file, or None for a passing one."""
        return Path(self.db) if self.db else None
