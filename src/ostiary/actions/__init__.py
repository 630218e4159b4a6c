"""What can be done: one file an action, named by its word.

On a request (a rule's ``action``): ``allow``, ``throttle``, ``deny``, ``withhold`` turn a Verdict into an ``Answer`` that a gateway
sends in its own form. On a Case: ``enforce``, ``notice``, ``release`` carry out what waits in the outbox.
"""
