"""A local stand-in for the CRM: the API's rules over one SQLite file, with faults that can be injected.

It imports nothing from the importer itself, so that a mistake there is not repeated here.
"""
