"""``import mlflow``, and asking MLflow about the runs that manifests name."""
