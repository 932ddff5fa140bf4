"""What the program knows that is not code: word lists, the demo archive, the judge's weights."""

from pathlib import Path

DATA = Path(__file__).parent
