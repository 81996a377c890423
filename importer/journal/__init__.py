"""The run on disk (SQLite): rows, verdicts, intents, results; what resume, retry and the reports read."""
