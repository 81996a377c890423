"""The rows of a batch sent from the workers of a Dask cluster. Journals and state stay on this computer's disk."""
