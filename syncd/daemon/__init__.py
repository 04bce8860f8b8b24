"""The daemon: looks for signals, leases lanes, and works each lane until nothing is due."""
