"""Companies: models kept per company (C7), over what is known of the deals and the people there.

A company's score is a function of a set of facts, each told by the lead it is of. Nothing is carried
along from one fact to the next: companies hear little, and so can be read anew each time.
"""
