"""YAML → Ruleset: parser, modifiers, mistakes with carets. Authoring only: the request path never imports it."""
