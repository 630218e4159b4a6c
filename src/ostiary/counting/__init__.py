"""Sliding windows: which counters a request adds to, what they hold, when there is room again. Pure arithmetic."""
