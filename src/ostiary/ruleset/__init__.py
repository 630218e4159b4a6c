"""What authoring and evaluation share: the Ruleset as bytes, and the one that is active. Light: the request path imports it."""
