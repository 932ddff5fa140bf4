"""What changed and who is told: news, outbox, watches, health."""
