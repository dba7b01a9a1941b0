"""The page of the HTML export: its skeleton, its style and its script."""
