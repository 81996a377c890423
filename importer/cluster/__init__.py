"""The rows of a batch sent from the workers of a Dask cluster, and large CSVs judged there. Journals and state stay here."""
