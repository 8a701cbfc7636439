"""Who is sent events: webhooks."""
