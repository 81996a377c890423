"""State that outlives a run: locks, and the memory of notes that were sent."""
