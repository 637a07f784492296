"""BANT: what is known of a lead's budget, authority, need and timeline, by signs (C16).

Signs are rules without points; what they say follows from the same facts, in the same order, as scores do.
"""
