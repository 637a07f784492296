"""Tables that people bring in, from spreadsheets."""
