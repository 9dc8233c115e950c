"""What the recovery region has, which CloudFormation cannot refer to from another region: a key and a bucket."""
