"""For people at a terminal and in a job's log."""
