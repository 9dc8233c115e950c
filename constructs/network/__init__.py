"""The VPC, its subnets and NAT gateways, and every security group rule."""
