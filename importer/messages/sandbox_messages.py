"""Help texts of the sandbox's options. The sandbox's error messages are the API's own: see docs/api.md."""

from __future__ import annotations

PORT = "Port on 127.0.0.1; 0 chooses a free port."
DB = "SQLite file that stores the leads; without it they are kept in memory only."
API_KEY = "The API key that the sandbox accepts."
LATENCY = "Seconds before every response."
RATE_LIMIT = "Maximum requests a second; 0 means no limit."
RETRY_AFTER = "Retry-After header of a 429: none, seconds, date, or the exact value to send."
CONCURRENCY_LIMIT = "Maximum requests at the same time; 0 means no limit."
ERROR_SHARE = "Share of upserts that get a 503 response (0 to 1)."
DROP_BEFORE = "Share of upserts whose connection drops before the lead is saved (0 to 1)."
DROP_AFTER = "Share of upserts whose connection drops after the lead is saved (0 to 1)."
SEED = "Seed of the random faults."
