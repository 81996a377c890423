"""The local stand-in for the CRM: the API's rules over one SQLite file, with faults to practise on.

It knows nothing of the importer's own code, so that it is a better judge of it.
"""
