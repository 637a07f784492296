"""The tables of identity: what is doubted, who works where, which forms came twice."""
