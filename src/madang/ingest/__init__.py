"""What a publisher's connection means: one package per way in, protocol to hub."""
