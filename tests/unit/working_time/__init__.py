"""Working time: calendars and their algebra."""
