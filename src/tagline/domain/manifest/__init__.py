"""What manifests say and what is wrong in them: a tree with places, entries, rules, findings.

Files are read elsewhere.
"""
