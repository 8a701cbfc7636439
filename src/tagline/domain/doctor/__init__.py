"""The first hour's questions, judged: tokens, guards, labels, keys and workflows as data in, checks out."""
