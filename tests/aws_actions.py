"""Actions that several checks may call on AWS."""

NETWORK = {
    *("ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"),
    *("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"),
}
"""Of a check in the VPC."""
SECRET = {"secretsmanager:GetSecretValue", "kms:Decrypt"}
LOGIN = {"rds-db:connect"}
TASKS = {"ecs:ListTasks", "ecs:DescribeTasks"}
PUBLISH = {"sns:Publish", "kms:Decrypt", "kms:GenerateDataKey"}
