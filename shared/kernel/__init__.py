"""The words every room speaks: ids, instants, errors, faults, money, redaction, changes.

Nothing here does I/O, reads a clock or draws a random number.
"""
