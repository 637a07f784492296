"""Working time: when people work, and what "24 hours on working days" comes to.

A calendar is a document under ``config/calendars`` (:mod:`.document`): a zone, hours, holidays,
make-up days, exceptions. Read it with :mod:`shared.documents`, compile it once, and ask::

    calendar = compile_calendar(document)              # all faults at once, or a Calendar
    calendar.next_opening(at)                          # when a breach may fire
    calendar.add_working(at, 2 * HOUR)                 # 2 working hours from now (R3)
    calendar.add_working_days(at, 1)                   # 24 h on working days (R4)
    calendar.add_calendar_days(at, 7)                  # 7 days, due in hours (R4)
    calendar.at_clock(at, days=3, clock=10 * HOUR)     # day 3 at ten, else the next working day (N1)
    calendar.working_between(assigned, contacted)      # response time, in working time only (R3)
    calendar.due_after_pause(due, paused=…, resumed=…)
    calendar.in_zone("Europe/Berlin")                  # the same days and hours, on another clock

All instants are those of :mod:`shared.kernel.instants`, all amounts microseconds. A **due** instant
may be a closing; the timer for its breach stands at ``next_opening(due)``, and whoever acts before
that is in time (R4). Every answer is found in tables by bisection, and depends on the document, the
zone's data and the arguments only.
"""
