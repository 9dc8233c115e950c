"""What a deployment needs of AWS, looked up before it: a module for each group of probes."""
