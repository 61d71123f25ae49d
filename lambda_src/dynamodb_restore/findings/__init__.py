"""Resources that name the source table and cannot be cloned: they are found and reported, and not changed."""
