-- The run on disk. Rows are written once when they are judged and never change after the first write to the CRM;
-- what the sending makes of them goes beside them. user_version is the schema's version.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE rows (
  number  INTEGER PRIMARY KEY,           -- as the spreadsheet shows it
  cells   TEXT NOT NULL,                 -- as they stand in a report: guarded, one record of CSV
  verdict TEXT NOT NULL,                 -- accepted, invalid or duplicate
  phone   TEXT NOT NULL,                 -- E.164, or '' where none could be read
  payload TEXT,                          -- JSON body of the request; NULL unless accepted
  issues  TEXT NOT NULL DEFAULT '',      -- JSON list of issues, or ''
  survivor_row INTEGER                        -- of a duplicate: the row that it was folded into
) STRICT;

-- An attempt that was about to leave. Without a result after a crash, it may have arrived.
CREATE TABLE intents (
  number    INTEGER PRIMARY KEY,
  with_note INTEGER NOT NULL             -- 1 while the note may be on its way or there
) STRICT;

CREATE TABLE results (
  number      INTEGER PRIMARY KEY,
  status      TEXT NOT NULL,
  attempts    INTEGER NOT NULL,
  http_status INTEGER,
  note        TEXT NOT NULL,
  issues      TEXT NOT NULL DEFAULT ''   -- JSON list of issues that the sending added, or ''
) STRICT;

-- The pace of the run, one line a second in which something happened, for the report's chart.
CREATE TABLE pace (
  second    INTEGER PRIMARY KEY,         -- whole seconds of sending, resumes counted on
  requests  INTEGER NOT NULL,
  throttled INTEGER NOT NULL,
  retries   INTEGER NOT NULL
) STRICT;
