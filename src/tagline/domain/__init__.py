"""What a registry is and how it answers: pure functions and data. No I/O, no clock, no environment, no library.

One room a subject, each of which knows those before it: text, ledger, manifest, storage and mlflow, changes, lineage.
"""
