"""The types of data that travel between the packages, in the order of a row's journey."""
