"""Pool health: how busy each pool is, read from the database, published as metrics."""
