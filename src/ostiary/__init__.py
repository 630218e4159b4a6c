"""Ostiary, the doorkeeper of API gateways.

The folders are the way of the data: ``language`` makes a ``ruleset``; ``gateways`` make a Request; ``matching`` finds its
Signals; ``counting`` and ``judgement`` make the Verdict; ``enforcement`` makes the Case; ``actions`` act; ``stores`` keep.
"""

__version__ = "0.1.0"
