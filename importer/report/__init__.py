"""What became of every row, as files for people and for scripts."""
