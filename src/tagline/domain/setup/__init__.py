"""What a repository needs before its first change, and how that is written: pure data in, text out."""
