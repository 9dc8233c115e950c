"""Pool health: how busy each pool is, by the database and by the site, published as metrics."""
