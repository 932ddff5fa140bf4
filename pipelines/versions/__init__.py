"""Pure: captures to versions, differences, kinds of change."""
