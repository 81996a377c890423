"""Decide what sending a row would change: compare it with the lead that the CRM has, field by field."""
