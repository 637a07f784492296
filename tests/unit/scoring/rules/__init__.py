"""What rules over behaviour can say: gaps, ranges, floors."""
