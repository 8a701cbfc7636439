"""Runs and registered models of MLflow as data, and what an import makes of them. No server is asked here."""
