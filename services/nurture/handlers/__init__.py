"""From events to what nurture learns, from what it learns to what it does and says."""
