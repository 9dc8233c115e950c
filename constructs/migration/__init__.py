"""The application's migrations, run by each deployment before the service's tasks are replaced."""
