"""Pure: which captures are asked for, with a reason for every row."""
