"""`python -m sharekit` is `sharekit`, where no program is on the path."""

from sharekit.cli import main

if __name__ == "__main__":
    main()
