"""Bytes as captured → the text of a policy, and how good it is: `extraction` is the way in."""
