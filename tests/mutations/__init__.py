"""Mutations: ways to break the code, each with the tests that must notice. `./dev mutate` tries them."""
