"""The labs: what a notebook's lab runs, one module for each, and what these are built of."""
