"""Accepted rows out to the CRM, paced and retried; a result for each."""
