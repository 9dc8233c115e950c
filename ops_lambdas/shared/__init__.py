"""What every check needs: settings, the database, metrics."""
