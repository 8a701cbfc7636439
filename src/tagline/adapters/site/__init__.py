"""The page: rows out of an index's Parquet files, and the folder that a site is written to."""
