"""The demo: a fortnight of a company's leads, told by real requests to a real platform, in under a minute.

People come by requests of four kinds, sales acts by HTTP commands, and mails go out by SMTP into a sink
whose readers open, click and unsubscribe as browsers do. Time is simulated, and everybody's doings follow
from the seed; only who comes first of several who come at once may differ from run to run.
"""
