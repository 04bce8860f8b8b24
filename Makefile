# The same verbs for whoever types make. ./dev does the work and needs no make: `make test ARGS="-k outbox"`.
ARGS =

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench syncd lock

help:
	@./dev

demo test lint bench syncd lock:
	@./dev $@ $(ARGS)
