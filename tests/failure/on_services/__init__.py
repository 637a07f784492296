"""The crash matrix on the real services: ingest → scoring, two worker processes each, on the same faults.

Time runs fast here: a second is a day, in every process alike, so that scores cool and timers ring
while workers die. What must have come out is worked out again from the raw records by the services'
pure handlers, in the order of the two journals; see ``oracle``.
"""
