"""What a running process tells about itself: metrics, log lines, trace context.

Nothing here may carry personal data: no value that a person sent becomes a label, a log field or
an attribute of a span. What counts is named in one catalogue; what is logged has a static name.
"""
