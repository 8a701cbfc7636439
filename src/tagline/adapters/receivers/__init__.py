"""Who is sent events: signed webhooks, and Slack."""
