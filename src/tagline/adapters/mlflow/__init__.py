"""MLflow's REST API: runs, models, aliases."""
