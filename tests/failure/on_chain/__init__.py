"""The crash matrix on the whole chain: ingest → scoring → routing → nurture → analytics, and real mail.

One worker process of each service, two processes that send mail, and two that take commands: of the
reps, and of those who have merges taken back or ask to be forgotten. A second is eight hours, so the
working-time limits that ship (two hours, a day, seven days) warn, recall and take back, and sequences of
mail go on, while processes die. What ingest and scoring made of it is worked out again as in
``on_services``; see ``oracle`` for the other three and for the mail.
"""
