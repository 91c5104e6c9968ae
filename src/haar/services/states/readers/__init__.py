"""Where a Distributed Map's items come from: one module per kind of source."""
