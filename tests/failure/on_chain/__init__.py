"""The crash matrix on the whole chain: ingest → scoring → routing → analytics, and the reps who answer.

One worker process of each service and one process that takes the reps' commands, on the clock of
``on_services``: a second is a day, so the working-time limits that ship (two hours, a day, seven days)
warn, recall and take back while workers die. What ingest and scoring made of it is worked out again as
there; see ``oracle`` for routing and analytics.
"""
