"""What `syncd demo` stands on that a production install never starts."""
