"""Use-cases of the control plane: channels, keys, accounts, roles, sessions, admission, audit."""
