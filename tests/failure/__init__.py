"""The crash matrix: kill what can be killed, then compare with a plain fold.

``python -m tests.failure`` runs all of it in shares, ``tests/failure/test_crash_matrix.py`` a quick
share. A *run* gets a fresh database, feeds a log, lets a fault strike, waits until all is quiet, and
then reads back everything: see ``oracle``.
"""
