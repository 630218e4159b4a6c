"""From Signals, counts and facts to the Verdict.

``judge`` on the request path and ``derive`` offline from the stream share one ``Decider``.
"""
