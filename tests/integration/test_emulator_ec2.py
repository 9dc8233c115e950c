"""The emulator's EC2: networks from a template."""

from tests.integration.emulator_process import Emulator
from tests.integration.emulator_templates import network


def test_network_is_created_changed_and_deleted(emulator: Emulator) -> None:
    ec2 = emulator.client("ec2")
    ids = emulator.deploy("network", network(5432))

    nat = ec2.describe_nat_gateways(NatGatewayIds=[ids["Nat"]])["NatGateways"][0]
    assert (nat["State"], nat["SubnetId"], nat["VpcId"]) == ("available", ids["Subnet"], ids["Vpc"])
    assert [item["ResourceId"] for item in ec2.describe_flow_logs()["FlowLogs"]] == [ids["Vpc"]]
    assert ids["Address"] in [item["PublicIp"] for item in ec2.describe_addresses()["Addresses"]]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [ids["Vpc"]]}])["SecurityGroups"]
    by_name = {group["GroupName"]: group for group in groups}
    assert by_name["default"]["IpPermissions"] == by_name["default"]["IpPermissionsEgress"] == []

    changed = emulator.deploy("network", network(5433))

    assert {key: value for key, value in changed.items() if key != "Rule"} == {
        key: value for key, value in ids.items() if key != "Rule"
    }
    group = ec2.describe_security_groups(GroupIds=[ids["Group"]])["SecurityGroups"][0]
    assert [rule["FromPort"] for rule in group["IpPermissions"]] == [5433]

    emulator.delete("network")

    assert ec2.describe_flow_logs()["FlowLogs"] == []
    assert ids["Address"] not in [item["PublicIp"] for item in ec2.describe_addresses()["Addresses"]]
