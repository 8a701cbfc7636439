"""What is behind an artifact: pipelines, a graph up to the raw inputs, comparisons, what may be published of it."""
