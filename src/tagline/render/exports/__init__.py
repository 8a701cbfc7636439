"""A lineage in formats of others: CycloneDX, in-toto, OpenLineage."""
