"""A whole gate on one machine: traffic is played, or served, through the real handlers, stream and escalation."""
