"""Findings → Case → Actions: the escalation policy, the Case's history, the outbox, notices and the breaker."""
