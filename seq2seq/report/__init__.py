"""The report: one HTML page that needs nothing but itself, and the numbers that other tools read."""
