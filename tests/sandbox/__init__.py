"""The sandbox as its clients meet it: every test talks HTTP to a real process."""
