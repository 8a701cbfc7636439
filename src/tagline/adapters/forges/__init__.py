"""What both forges share: refusals in our words, pages, answers of an API; each has a folder of its own."""
