"""The machine that runs the job: its event, its files for outputs, its identity to a cloud."""
