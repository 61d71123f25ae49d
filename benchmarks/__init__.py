"""What capture and replay cost, against a design that sends and writes one change at a time."""
