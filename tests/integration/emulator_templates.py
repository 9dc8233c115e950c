"""Small CloudFormation templates, each of the types that one of the emulator's files handles."""

from tests.integration.emulator_process import Resources


def network(port: int) -> Resources:
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"},
        },
        "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Tags": [{"Key": "Name", "Value": "nat"}]}},
        "Nat": {
            "Type": "AWS::EC2::NatGateway",
            "Properties": {
                "SubnetId": {"Ref": "Subnet"},
                "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]},
            },
        },
        "Log": {
            "Type": "AWS::EC2::FlowLog",
            "Properties": {"ResourceId": {"Ref": "Vpc"}, "ResourceType": "VPC", "LogGroupName": "flow"},
        },
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"GroupDescription": "database", "VpcId": {"Ref": "Vpc"}},
        },
        "Rule": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                "GroupId": {"Ref": "Group"},
                "IpProtocol": "tcp",
                "FromPort": port,
                "ToPort": port,
                "CidrIp": "10.0.0.0/16",
            },
        },
        "Closed": {
            "Type": "Custom::VpcRestrictDefaultSG",
            "Properties": {
                "ServiceToken": "unused",
                "DefaultSecurityGroupId": {"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]},
            },
        },
    }


def database(password: str) -> Resources:
    return {
        "Database": {
            "Type": "AWS::RDS::DBInstance",
            "DeletionPolicy": "Delete",
            "Properties": {
                "DBInstanceIdentifier": "emulator-database",
                "Engine": "postgres",
                "EngineVersion": "17",
                "AllocatedStorage": "20",
                "DBName": "emulator_test",
                "MasterUsername": "emulator_master",
                "MasterUserPassword": {"Fn::Sub": f"{{{{resolve:secretsmanager:${{{password}}}}}}}"},
            },
        },
        "Replica": {
            "Type": "AWS::RDS::DBInstance",
            "Properties": {"SourceDBInstanceIdentifier": {"Ref": "Database"}, "DBInstanceClass": "db.t4g.small"},
        },
        "Password": secret(),
        "OtherPassword": secret(),
        "Url": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                "SecretString": {
                    "Fn::Sub": '{"host":"${Database.Endpoint.Address}","port":"${Database.Endpoint.Port}",'
                    f'"password":"{{{{resolve:secretsmanager:${{{password}}}:SecretString}}}}"}}'
                }
            },
        },
    }


def secret() -> Resources:
    return {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {"GenerateSecretString": {"ExcludePunctuation": True, "PasswordLength": 30}},
    }


def alarms() -> Resources:
    threshold = {"Threshold": 1, "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}
    return {
        "Pool": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                **threshold,
                "Namespace": "Test",
                "MetricName": "Threads",
                "Period": 60,
                "Statistic": "Maximum",
                "Dimensions": [{"Name": "Pool", "Value": "pool-1"}],
            },
        },
        "Math": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                **threshold,
                "Metrics": [
                    {"Id": "rate", "Expression": "100 * errors", "ReturnData": True},
                    {
                        "Id": "errors",
                        "ReturnData": False,
                        "MetricStat": {
                            "Metric": {"Namespace": "Test", "MetricName": "Errors"},
                            "Period": 60,
                            "Stat": "Sum",
                        },
                    },
                ],
            },
        },
        "Outage": {
            "Type": "AWS::CloudWatch::CompositeAlarm",
            "Properties": {"AlarmRule": {"Fn::Sub": "ALARM(${Math})"}},
        },
        "Events": {"Type": "AWS::SQS::Queue"},
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"]},
                "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Events", "Arn"]}}],
            },
        },
    }


def service(minimum: int) -> Resources:
    return {
        "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": "emulator-cluster"}},
        "Providers": {
            "Type": "AWS::ECS::ClusterCapacityProviderAssociations",
            "Properties": {
                "Cluster": {"Ref": "Cluster"},
                "CapacityProviders": ["FARGATE", "FARGATE_SPOT"],
                "DefaultCapacityProviderStrategy": [],
            },
        },
        "Task": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Family": "emulator-task",
                "NetworkMode": "awsvpc",
                "ContainerDefinitions": [
                    {
                        "Name": "web",
                        "Image": "web:1",
                        "Secrets": [{"Name": "CRON_SECRET", "ValueFrom": "arn:secret"}],
                        "HealthCheck": {"Command": ["CMD", "true"]},
                    }
                ],
            },
        },
        "Service": {
            "Type": "AWS::ECS::Service",
            "DependsOn": "Providers",
            "Properties": {
                "ServiceName": "emulator-service",
                "Cluster": {"Ref": "Cluster"},
                "TaskDefinition": {"Ref": "Task"},
                "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE", "Weight": 1}],
                "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1"]}},
            },
        },
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "DependsOn": "Service",
            "Properties": {
                "MinCapacity": minimum,
                "MaxCapacity": 10,
                "ResourceId": "service/emulator-cluster/emulator-service",
                "ScalableDimension": "ecs:service:DesiredCount",
                "ServiceNamespace": "ecs",
            },
        },
        "Policy": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {"PolicyName": "cpu", "PolicyType": "TargetTrackingScaling"},
        },
    }


def scheduled() -> Resources:
    return {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Schedule": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "ScheduleExpression": "rate(5 minutes)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}, "RoleArn": "arn:aws:iam::000000000000:role/run"},
            },
        },
    }


def custom(function: Resources, type_name: str, **properties: str) -> Resources:
    """A custom resource of that Lambda."""
    token = {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}}
    return {**function, "Custom": {"Type": type_name, "Properties": {**token, **properties}}}


def site(role: str) -> Resources:
    """A load balancer and its name in the zone, in a failover's role PRIMARY or SECONDARY."""
    return {
        "Balancer": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"Subnets": ["subnet-1"]}},
        "Name": {
            "Type": "AWS::Route53::RecordSet",
            "Properties": {
                "Name": "pardon.example.com.",
                "HostedZoneId": "ZREHEARSAL",
                "Type": "A",
                "SetIdentifier": role,
                "Failover": role,
                "AliasTarget": {
                    "DNSName": {"Fn::Sub": "dualstack.${Balancer.DNSName}"},
                    "HostedZoneId": {"Fn::GetAtt": ["Balancer", "CanonicalHostedZoneID"]},
                },
            },
        },
    }
