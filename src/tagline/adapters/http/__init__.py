"""What every HTTP client here shares: retries, deadlines, proxies."""
