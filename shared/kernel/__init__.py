"""The words every room speaks: ids, instants, errors, money, redaction, changes.

Nothing here does I/O, reads a clock or draws a random number.
"""
