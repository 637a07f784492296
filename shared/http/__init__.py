"""HTTP as every service speaks it: one way to fail, to be measured, to page, to stream, to stop.

Routes translate, make one call, and translate back. Everything around a route is here, as plain
ASGI: no route pays for a feature it does not use.
"""
