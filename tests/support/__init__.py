"""What tests share: a database of their own, the sandbox and the daemon as processes, and reading what they did."""
