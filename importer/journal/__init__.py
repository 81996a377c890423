"""The run on disk (SQLite): rows, verdicts, intents and results, which resume, retry and the reports read."""
