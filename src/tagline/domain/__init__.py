"""What a registry is and how it answers: pure functions and data. No I/O, no clock, no environment, no SDK."""
