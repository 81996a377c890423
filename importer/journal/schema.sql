-- The run on disk. Rows are written once, when they are judged, and never change after the first write to the CRM.
-- What the sending makes of them is written beside them. user_version is the version of this schema.
-- `checksum` is over the other columns of its row (checksums.py), because SQLite does not see a flipped bit.
CREATE TABLE meta (
  key      TEXT PRIMARY KEY,             -- metadata, end, send_totals; row_count: see checksums.py; commits_follow: see wal_marker.py
  value    TEXT NOT NULL,                -- JSON
  checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;                 -- an index could be damaged, and nothing would tell

CREATE TABLE rows (
  number       INTEGER PRIMARY KEY,      -- as the spreadsheet shows it
  cells        TEXT NOT NULL,            -- as a report shows them: formulas escaped, one record of CSV
  verdict      TEXT NOT NULL,            -- valid, unchanged, invalid or duplicate (StagedVerdict)
  phone        TEXT NOT NULL,            -- E.164, or '' if none could be read
  payload      TEXT,                     -- JSON body of the request; NULL unless valid or unchanged
  issues       TEXT NOT NULL DEFAULT '', -- JSON list of issues, or ''
  survivor_row INTEGER,                  -- of a duplicate: the row that it was merged into
  checksum     INTEGER NOT NULL
) STRICT;

-- An attempt that was about to leave. Without a result after a crash, it may have arrived.
CREATE TABLE intents (
  number      INTEGER PRIMARY KEY,
  with_note   INTEGER NOT NULL,           -- 1 while the note may be under way or delivered
  attempts    INTEGER,                    -- the rest: what was known when the run stopped and left the row in doubt
  http_status INTEGER,
  issues      TEXT,                       -- JSON list of issues
  checksum    INTEGER NOT NULL
) STRICT;

CREATE TABLE results (
  number      INTEGER PRIMARY KEY,
  status      TEXT NOT NULL,
  attempts    INTEGER NOT NULL,
  http_status INTEGER,
  note        TEXT NOT NULL,
  issues      TEXT NOT NULL DEFAULT '',  -- JSON list of issues that the sending added, or ''
  checksum    INTEGER NOT NULL
) STRICT;

-- The sending second by second, only seconds in which something happened, for the chart of the report.
CREATE TABLE second_metrics (
  second    INTEGER NOT NULL,            -- whole seconds of sending, counted on by a resume; more than once if resumed in it
  requests  INTEGER NOT NULL,
  throttled INTEGER NOT NULL,
  retries   INTEGER NOT NULL,
  checksum  INTEGER NOT NULL
) STRICT;

-- What the CRM said about a phone of the rows: the answer as JSON (Lookup), NULL until it was asked.
CREATE TABLE lookups (
  id      INTEGER PRIMARY KEY,
  phone   TEXT NOT NULL UNIQUE,
  answer  TEXT,
  lead_id TEXT,                          -- of the lead that was found
  checksum INTEGER NOT NULL
) STRICT;

-- The row of a sending with plans that reached a lead first. A row with another phone of that lead is held back.
CREATE TABLE reached_leads (
  lead_id  TEXT PRIMARY KEY,
  number   INTEGER NOT NULL,             -- of the row
  checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What sending a row would change (RowPlan). A changed policy replaces it, without a new look-up.
CREATE TABLE plans (
  number  INTEGER PRIMARY KEY,
  action  TEXT NOT NULL,                 -- create, update, unchanged, conflict or cannot_tell (PlanAction)
  touched INTEGER NOT NULL,              -- number of changes that do something, or leave another value of the CRM
  changes TEXT NOT NULL,                 -- JSON list of FieldChange
  steps   TEXT NOT NULL,                 -- JSON list of the bodies to send, in order
  issues  TEXT NOT NULL DEFAULT '',      -- JSON list of issues, or ''
  checksum INTEGER NOT NULL
) STRICT;

-- What reading a lead back said about a row that the CRM took. read_at is NULL until it was read.
CREATE TABLE verifications (
  number     INTEGER PRIMARY KEY,
  outcome    TEXT NOT NULL,              -- same, normalised, differs, ... (Verification)
  issues     TEXT NOT NULL DEFAULT '',   -- JSON list of issues, or ''
  updated_at TEXT,                       -- the CRM's date of the lead when it last showed all that was sent
  read_at    TEXT,
  checksum   INTEGER NOT NULL
) STRICT;

-- The changes that a person made to rows before the sending, in order. `rows` has the rows as they are now.
CREATE TABLE edits (
  id           INTEGER PRIMARY KEY,
  step         INTEGER NOT NULL,         -- changes that were made together are undone together
  number       INTEGER NOT NULL,         -- of the row
  column_index INTEGER,                  -- of the cell; NULL: the row was left out, or taken back
  before       TEXT NOT NULL,
  after        TEXT NOT NULL,
  undoes       INTEGER,                  -- the step that this one undoes
  made_at      TEXT NOT NULL,
  checksum     INTEGER NOT NULL
) STRICT;

-- The rows that a person changed, as the file has them.
CREATE TABLE edited_rows (
  number        INTEGER PRIMARY KEY,
  version       INTEGER NOT NULL,        -- the number of its changes: an edit of an older version is refused
  cells         TEXT NOT NULL,           -- as the file has them, in the form of rows.cells
  reader_issues TEXT NOT NULL,           -- what the reader found with the row as the file has it: JSON list of issues, or ''
  is_left_out   INTEGER NOT NULL,
  issues        TEXT NOT NULL,           -- the cells that differ from the file, for the reports: JSON list of issues, or ''
  checksum      INTEGER NOT NULL
) STRICT;

-- The follow-up task of a row (Task). What became of it is NOT_SENT until its request is about to leave, then UNKNOWN.
CREATE TABLE tasks (
  number      INTEGER PRIMARY KEY,
  type        TEXT NOT NULL,
  due_at      TEXT NOT NULL,             -- ISO 8601 with its offset
  note        TEXT NOT NULL,
  state       TEXT NOT NULL,             -- created, kept, unknown or not_sent (TaskState)
  attempts    INTEGER,                   -- NULL until the task has its result
  http_status INTEGER,
  issues      TEXT NOT NULL DEFAULT '',  -- JSON list of issues, or ''
  checksum    INTEGER NOT NULL
) STRICT;

-- Each row with its intent and its result, if it has any.
CREATE VIEW row_progress AS
SELECT
  rows.number, rows.cells, rows.verdict, rows.phone, rows.payload, rows.issues AS staged_issues, rows.survivor_row,
  intents.number IS NOT NULL AS is_intended, intents.with_note,
  plans.action AS plan_action, plans.touched AS plan_touched, plans.changes AS plan_changes, plans.steps AS plan_steps, plans.issues AS plan_issues,
  results.status AS result_status, coalesce(results.attempts, intents.attempts) AS attempts,
  coalesce(results.http_status, intents.http_status) AS http_status, results.note AS result_note,
  coalesce(results.issues, intents.issues, plans.issues) AS delivery_issues
FROM rows
LEFT JOIN plans ON plans.number = rows.number
LEFT JOIN intents ON intents.number = rows.number
LEFT JOIN results ON results.number = rows.number;

CREATE VIEW run_state AS SELECT json_extract(value, '$.state') AS state FROM meta WHERE key = 'end';

-- Each row with its one status (RowStatus): its result, or its verdict, or what its intent leaves open.
CREATE VIEW row_status AS
SELECT
  *,
  CASE
    WHEN result_status IS NOT NULL THEN result_status
    WHEN verdict <> 'valid' THEN verdict
    WHEN (SELECT state FROM run_state) = 'checked' THEN 'accepted'
    WHEN (SELECT state FROM run_state) = 'planned' THEN
      CASE plan_action
        WHEN 'unchanged' THEN 'unchanged' WHEN 'conflict' THEN 'conflict' WHEN 'cannot_tell' THEN 'failed'
        ELSE 'accepted'                    -- also a row outside of the sample that was looked up
      END
    WHEN is_intended THEN 'unknown'
    ELSE 'pending'
  END AS status
FROM row_progress;

-- The same, and for a duplicate the status of the row that it was merged into.
CREATE VIEW report_rows AS
SELECT
  row_status.*,
  CASE WHEN verdict = 'duplicate' THEN (
    SELECT survivor.status FROM row_status AS survivor WHERE survivor.number = row_status.survivor_row
  ) END AS survivor_status,
  CASE WHEN plan_action IS NOT NULL THEN (
    SELECT lead_id FROM lookups WHERE lookups.phone = row_status.phone
  ) END AS lead_id,
  verifications.outcome AS verification, verifications.issues AS verification_issues,
  edited_rows.issues AS edit_issues,
  tasks.state AS task, tasks.issues AS task_issues,
  (SELECT state FROM run_state) NOT IN ('checked', 'planned') AND EXISTS (
    SELECT 1 FROM tasks AS own_or_survivors WHERE own_or_survivors.state IN ('unknown', 'not_sent')
      AND own_or_survivors.number = coalesce(row_status.survivor_row, row_status.number)
  ) AS lacks_task
FROM row_status
LEFT JOIN tasks ON tasks.number = row_status.number
LEFT JOIN edited_rows ON edited_rows.number = row_status.number
LEFT JOIN verifications ON verifications.number = row_status.number;

-- Sums need no sorting. GROUP BY would sort the statuses of all rows: 60 MB for a million.
CREATE VIEW status_counts AS
SELECT
  total(status = 'accepted') AS accepted,
  total(status = 'unchanged') AS unchanged,
  total(status = 'invalid') AS invalid,
  total(status = 'conflict') AS conflict,
  total(status = 'refused') AS refused,
  total(status = 'failed') AS failed,
  total(status = 'unknown') AS unknown,
  total(status = 'duplicate') AS duplicate,
  total(status = 'pending') AS pending,
  count(*) AS all_rows
FROM row_status;
