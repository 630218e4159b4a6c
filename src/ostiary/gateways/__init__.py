"""Gateways: one file for each, its event → Request, a Verdict → its answer. What they share: limits, headers, paths, addresses, bodies."""
