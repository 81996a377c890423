"""State that outlives a run: locks on files, and the ledger of notes that were sent."""
