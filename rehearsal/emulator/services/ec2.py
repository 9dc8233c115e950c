"""EC2: the types that MiniStack's CloudFormation refuses although its EC2 has them."""

from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import ec2
from ministack.services.cloudformation import provisioners

from rehearsal.emulator.services.cloudformation_handler import (
    Attributes,
    Handler,
    Properties,
    answer,
    element,
    put,
    resource,
)


def register() -> None:
    """Describe flow logs with their role, which MiniStack leaves out."""
    describe = ec2._ACTION_MAP["DescribeFlowLogs"]

    def describe_with_role(parameters: Any) -> Any:
        status, headers, body = describe(parameters)
        for flow_log, one in ec2._flow_logs.items():
            role = f"<deliverLogsPermissionArn>{one.get('DeliverLogsPermissionArn', '')}</deliverLogsPermissionArn>"
            body = body.replace(
                f"<flowLogId>{flow_log}</flowLogId>".encode(), f"<flowLogId>{flow_log}</flowLogId>{role}".encode()
            )
        return status, headers, body

    ec2._ACTION_MAP["DescribeFlowLogs"] = describe_with_role


def call(action: str, **parameters: str) -> str:
    """Answer of an EC2 action; parameters are those of its query, with "_" for ".": ResourceId_1."""
    query = {name.replace("_", "."): [value] for name, value in parameters.items() if value}
    return answer(ec2._ACTION_MAP[action](query))


def create_address(_logical_id: str, props: Properties, _stack: str) -> tuple[str, Attributes]:
    response = call("AllocateAddress", Domain="vpc")
    allocation, address = element(response, "allocationId"), element(response, "publicIp")
    provisioners._ec2_apply_tags(allocation, props)
    return address, {"AllocationId": allocation, "PublicIp": address}


def delete_address(physical_id: str, _props: Properties) -> None:
    for allocation, address in list(ec2._addresses.items()):
        if address["PublicIp"] == physical_id:
            call("ReleaseAddress", AllocationId=allocation)


def create_nat_gateway(_logical_id: str, props: Properties, _stack: str) -> tuple[str, Attributes]:
    response = call("CreateNatGateway", SubnetId=props["SubnetId"], AllocationId=props.get("AllocationId", ""))
    gateway = element(response, "natGatewayId")
    provisioners._ec2_apply_tags(gateway, props)
    return gateway, {"NatGatewayId": gateway}


def delete_nat_gateway(physical_id: str, _props: Properties) -> None:
    call("DeleteNatGateway", NatGatewayId=physical_id)


def create_flow_log(_logical_id: str, props: Properties, _stack: str) -> tuple[str, Attributes]:
    response = call(
        "CreateFlowLogs",
        ResourceId_1=props["ResourceId"],
        ResourceType=props["ResourceType"],
        TrafficType=props.get("TrafficType", "ALL"),
        LogDestinationType=props.get("LogDestinationType", "cloud-watch-logs"),
        LogDestination=props.get("LogDestination", ""),
        LogGroupName=props.get("LogGroupName", ""),
    )
    flow_log = element(response, "item")
    ec2._flow_logs[flow_log]["DeliverLogsPermissionArn"] = props.get("DeliverLogsPermissionArn", "")
    provisioners._ec2_apply_tags(flow_log, props)
    return flow_log, {"Id": flow_log}


def delete_flow_log(physical_id: str, _props: Properties) -> None:
    call("DeleteFlowLogs", FlowLogId_1=physical_id)


def group_rule(direction: str) -> Handler:
    """Handler of a rule outside its group's template; direction is where the group keeps such rules."""

    def create(_logical_id: str, props: Properties, _stack: str) -> tuple[str, Attributes]:
        group = ec2._security_groups.get(props["GroupId"])
        if group is None:
            raise ValueError(f"The security group '{props['GroupId']}' does not exist")
        group[direction] += provisioners._ec2_sg_permissions([props])
        rule = f"sgr-{new_uuid().replace('-', '')[:17]}"
        return rule, {"Id": rule}

    def delete(_physical_id: str, props: Properties) -> None:
        group = ec2._security_groups.get(props["GroupId"], {direction: []})
        for permission in provisioners._ec2_sg_permissions([props]):
            if permission in group[direction]:
                group[direction].remove(permission)

    return resource(create, delete)


def close_default_group(_logical_id: str, props: Properties, _stack: str) -> tuple[str, Attributes]:
    """What CDK's own Lambda does; it is written for Node and AWS's SDK, which are not here."""
    group = ec2._security_groups[props["DefaultSecurityGroupId"]]
    group["IpPermissions"], group["IpPermissionsEgress"] = [], []
    return f"{props['DefaultSecurityGroupId']}-closed", {}


HANDLERS: dict[str, Handler] = {
    "AWS::EC2::EIP": resource(create_address, delete_address),
    "AWS::EC2::NatGateway": resource(create_nat_gateway, delete_nat_gateway),
    "AWS::EC2::FlowLog": resource(create_flow_log, delete_flow_log),
    "AWS::EC2::SecurityGroupIngress": group_rule("IpPermissions"),
    "AWS::EC2::SecurityGroupEgress": group_rule("IpPermissionsEgress"),
    "Custom::VpcRestrictDefaultSG": put(close_default_group),
}
