"""A local server that answers as QuickBooks Online (QBO) does.

It is for demonstrations, tests and benchmarks: clients written for the real
service talk to it over HTTP without noticing. It keeps its state in memory and
imports nothing of the rest of syncd, so that a mistake made on the sending side
is not repeated here. `docs/sandbox.md` describes what it imitates, which open
questions are switches, and the `/sandbox/...` control interface.
"""
