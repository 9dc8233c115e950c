"""The key of the recovery region, which CloudFormation cannot refer to from another region."""
