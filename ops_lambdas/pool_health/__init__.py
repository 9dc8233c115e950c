"""Pool health: how busy each pool is, according to the database and the site, published as metrics."""
