"""Delivery: what a new tag starts, what came of it, who is told, and what is deployed."""
