"""Postgres: tables, connections, the calls of the SQL functions, and the schema's life (upgrade, check, uninstall)."""
