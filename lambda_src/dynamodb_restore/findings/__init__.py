"""What names the source table and cannot be cloned: it is found and reported, never changed."""
