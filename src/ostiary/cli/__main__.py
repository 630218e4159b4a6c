"""``python -m ostiary.cli``: the same as the ``ostiary`` command."""

from ostiary.cli import main

main()
