"""`python -m detector` is `spasmwatch`."""

from detector.cli import main

if __name__ == "__main__":
    main()
