"""Who gets a lead (R1, R2): rules, who may be given it, whose turn it is, and the trace of the decision."""
