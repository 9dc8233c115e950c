"""What is believed of AWS, asked of AWS after a deployment: a module for each group of probes."""
