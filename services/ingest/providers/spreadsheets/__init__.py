"""Tables as spreadsheet programs write them: recognised by content, read row by row, written as templates.

A reader is opened on a seekable file, gives rows of cells in order, and holds no more of the file in
memory than a row; a million rows take no more than a thousand.
"""
