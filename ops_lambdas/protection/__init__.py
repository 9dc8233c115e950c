"""Protection: termination protection, deletion protection and the stack policy are as configured."""
