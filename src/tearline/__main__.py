"""Lets ``python -m tearline`` do what the ``tearline`` command does."""

from tearline.cli.main import main

if __name__ == "__main__":
    main()
