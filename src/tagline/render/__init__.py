"""Answers and findings as text. Data in, text out; untrusted text is made safe here and nowhere else."""
