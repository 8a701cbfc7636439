"""The page: what each page of the static site says, from the rows of the index, and where it lies."""
