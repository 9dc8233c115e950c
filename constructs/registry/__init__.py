"""ECR repositories of the application's images."""
