"""File formats: what kind of file it is, and its rows as the spreadsheet shows them."""
