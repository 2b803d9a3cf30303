"""`python -m maf_core` is `maf`."""

from maf_core.cli import main

if __name__ == "__main__":
    main()
