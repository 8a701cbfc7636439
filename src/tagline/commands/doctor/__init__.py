"""doctor: what is looked at, of a clone, of a forge and of a job; each question a function that answers with checks."""
