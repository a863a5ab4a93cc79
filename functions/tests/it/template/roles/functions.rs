//! What the functions may do.

use serde_json::{Value, json};

use super::super::read::{MAIN, at, property};
use super::{KEY, QUEUES, TABLE, partitions, purpose, says, through_queues_and_table};

const TAKE: &[&str] = &[
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ChangeMessageVisibility",
];
const WRITE_LOG: &[&str] = &["logs:CreateLogStream", "logs:PutLogEvents"];
const NETWORK: &[&str] = &[
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
];

#[test]
fn each_function_may_do_what_it_is_for() {
    says(
        &MAIN,
        "HandleFillRole",
        &[
            ("ReportsAreTaken", TAKE, &["${FillQueue.Arn}"], Value::Null),
            (
                "ItsLogIsWritten",
                WRITE_LOG,
                &["${HandleFillLog.Arn}"],
                Value::Null,
            ),
        ],
        &[],
    );
    says(
        &MAIN,
        "RecoverRole",
        &[
            (
                "ComparisonsAreTaken",
                TAKE,
                &["${ReconcileQueue.Arn}"],
                Value::Null,
            ),
            (
                "ItsLogIsWritten",
                WRITE_LOG,
                &["${RecoverLog.Arn}"],
                Value::Null,
            ),
            (
                "DueBotsAreTaken",
                &[
                    "dynamodb:Query",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                    "dynamodb:DeleteItem",
                ],
                TABLE,
                partitions(&["BOT#*", "BOTS", "DUE#*"]),
            ),
        ],
        &[],
    );
    for (function, role, log) in [
        ("HandleFill", "${HandleFillRole.Arn}", "${HandleFillLog}"),
        ("Recover", "${RecoverRole.Arn}", "${RecoverLog}"),
    ] {
        assert_eq!(property(function, "Role"), role);
        assert_eq!(property(function, "LoggingConfig")["LogGroup"], log);
        // Beside a role, SAM would add policies of AWS's own.
        let properties = at(&MAIN, &format!("Resources/{function}/Properties"));
        assert_eq!(properties.get("Policies"), None, "{function}");
    }
}

#[test]
fn both_functions_trade_and_do_no_more() {
    says(
        &MAIN,
        "TradingPolicy",
        &[
            (
                "BotsAndTheirLedger",
                &[
                    "dynamodb:GetItem",
                    "dynamodb:BatchGetItem",
                    "dynamodb:Query",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                    "dynamodb:ConditionCheckItem",
                ],
                TABLE,
                partitions(&["BOT#*", "ACCOUNT#*", "ADDRESS#*", "BRIDGE", "TABLE"]),
            ),
            (
                "TheTableIsKnown",
                &["dynamodb:DescribeTable"],
                TABLE,
                Value::Null,
            ),
            (
                "TradeKeysAreRead",
                &["dynamodb:GetItem"],
                TABLE,
                partitions(&["TRADEKEY#*"]),
            ),
            (
                "TradeKeysAreOpened",
                &["kms:Decrypt"],
                KEY,
                purpose(&json!("trade")),
            ),
            ("QueuesAreFilled", &["sqs:SendMessage"], QUEUES, Value::Null),
            through_queues_and_table(),
        ],
        &[],
    );
}

#[test]
fn what_a_parameter_asks_for_is_allowed_only_then() {
    says(
        &MAIN,
        "TracingPolicy",
        &[(
            "CallsAreTraced",
            &["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
            &["*"],
            Value::Null,
        )],
        &[],
    );
    let function = |name: &str| {
        format!(
            "arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:${{AWS::StackName}}-{name}"
        )
    };
    let ours = [function("handle-fill"), function("recover")];
    let by_the_functions = json!({"ArnEquals": {"lambda:SourceFunctionArn": ours}});
    says(
        &MAIN,
        "NetworkPolicy",
        &[
            ("LambdaConnectsTheFunctions", NETWORK, &["*"], Value::Null),
            (
                "TheFunctionsThemselvesDoNot",
                NETWORK,
                &["*"],
                by_the_functions,
            ),
        ],
        &["TheFunctionsThemselvesDoNot"],
    );
    for (policy, condition) in [
        ("TracingPolicy", "IsTraced"),
        ("NetworkPolicy", "InSubnets"),
    ] {
        let resource = at(&MAIN, &format!("Resources/{policy}"));
        assert_eq!(resource["Condition"], condition);
    }
}
