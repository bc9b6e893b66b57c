"""Files of other tools: read lazily, told apart by their content, handed on as OTLP requests."""
