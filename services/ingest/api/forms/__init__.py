"""Forms over HTTP: the pages that we host, and what visitors send, from our pages and everybody's."""
