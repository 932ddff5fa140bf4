"""`python -m policy_archive`: the command line."""

from policy_archive.cli import main

if __name__ == "__main__":
    main()
