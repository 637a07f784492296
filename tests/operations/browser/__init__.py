"""Our pages in a real browser. Needs Chromium and its driver, so it is a program and no test."""
