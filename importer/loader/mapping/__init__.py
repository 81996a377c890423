"""Column mapping: which column goes to which field of a lead, and why."""
