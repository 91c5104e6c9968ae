"""PartiQL: statements are read once and become what the native operations do."""
