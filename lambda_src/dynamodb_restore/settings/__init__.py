"""One module per setting, all of one shape; `registry` lists them in the order they are applied."""
