"""What a viewer's connection means: one package per way out, hub or packager to socket."""
