"""Send accepted rows to the CRM at a safe rate, with retries, and record a result for each."""
