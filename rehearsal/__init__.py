"""AWS on this machine: deploys the whole application to it and exercises everything."""
