"""One source table's change pipeline as one object: its registration, its claim, how far it has come, what is in the way."""
