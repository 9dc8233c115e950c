"""Cron routes: calls the site's two routes that nobody else calls, and tells when the weekly one is overdue."""
