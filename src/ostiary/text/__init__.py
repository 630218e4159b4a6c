"""Text: what is done to it before it is compared. Pure, linear, without imports beyond ``unicodedata``."""
