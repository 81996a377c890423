"""File formats: detect what kind of file it is, and read its rows as the spreadsheet shows them."""
