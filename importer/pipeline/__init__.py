"""The main flow: load, judge, stage, send, report; and what goes on from an earlier run."""
