//! What schedule, bridge and operator may do.

use serde_json::{Value, json};

use super::super::read::{BRIDGE, MAIN, at, property};
use super::{KEY, QUEUES, TABLE, partitions, purpose, says, statements, through_queues_and_table};

const SEE_TO_DEAD_LETTERS: &[&str] = &[
    "sqs:GetQueueUrl",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:StartMessageMoveTask",
    "sqs:ListMessageMoveTasks",
    "sqs:CancelMessageMoveTask",
];

#[test]
fn the_schedule_calls_recovery_and_opens_no_api_key() {
    let schedule = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule/default/${AWS::StackName}-due-bots";
    says(
        &MAIN,
        "ScheduleRole",
        &[
            (
                "RecoveryIsCalled",
                &["lambda:InvokeFunction"],
                &["${Recover.Arn}"],
                Value::Null,
            ),
            (
                "FailedCallsAreKept",
                &["sqs:SendMessage"],
                &["${ScheduleDeadLetters.Arn}"],
                Value::Null,
            ),
            (
                "FailedCallsAreEncrypted",
                &["kms:Decrypt", "kms:GenerateDataKey"],
                KEY,
                json!({"StringEquals": {"kms:ViaService": "sqs.${AWS::Region}.amazonaws.com"}}),
            ),
            (
                "TheScheduleIsRead",
                &["kms:Decrypt"],
                KEY,
                json!({"ArnEquals": {"kms:EncryptionContext:aws:scheduler:schedule:arn": schedule}}),
            ),
        ],
        &[],
    );
    assert_eq!(property("DueBots", "Name"), "${AWS::StackName}-due-bots");
}

#[test]
fn a_bridge_reaches_accounts_streams_and_queues_only() {
    says(
        &MAIN,
        "BridgePolicy",
        &[
            (
                "TheTableIsKnown",
                &["dynamodb:DescribeTable"],
                TABLE,
                Value::Null,
            ),
            (
                "AccountsAndSignsOfLife",
                &[
                    "dynamodb:GetItem",
                    "dynamodb:BatchGetItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                    "dynamodb:PutItem",
                ],
                TABLE,
                partitions(&["ACCOUNT#*", "ACCOUNTS", "BRIDGE"]),
            ),
            ("ReportsAreSent", &["sqs:SendMessage"], QUEUES, Value::Null),
            (
                "StreamKeysAreOpened",
                &["kms:Decrypt"],
                KEY,
                purpose(&json!("stream")),
            ),
            through_queues_and_table(),
        ],
        &[],
    );
    let of_ec2 = |kind: &str| {
        format!("arn:${{AWS::Partition}}:ec2:${{AWS::Region}}:${{AWS::AccountId}}:{kind}")
    };
    let addresses: Vec<String> = [
        "elastic-ip/${FirstAddress.AllocationId}",
        "elastic-ip/${SecondAddress.AllocationId}",
        "instance/*",
        "network-interface/*",
    ]
    .map(of_ec2)
    .into();
    let found = statements(at(&BRIDGE, "Resources/Role"));
    let found: Vec<_> = found
        .into_iter()
        .map(|(sid, effect, actions, resources, condition)| {
            assert_eq!((effect, &condition), ("Allow", &Value::Null), "{sid}");
            (sid, actions, resources)
        })
        .collect();
    assert_eq!(
        found,
        [
            (
                "TheProgramIsFetched",
                vec!["s3:GetObject"],
                vec![
                    "arn:${AWS::Partition}:s3:::${ArtifactBucket}/${ArtifactPrefix}/gridkeeper-bridge"
                ],
            ),
            (
                "AnAddressIsTaken",
                vec!["ec2:AssociateAddress"],
                addresses.iter().map(String::as_str).collect(),
            ),
            (
                "ItsLogIsWritten",
                vec![
                    "logs:CreateLogStream",
                    "logs:DescribeLogStreams",
                    "logs:PutLogEvents"
                ],
                vec!["${Log.Arn}"],
            ),
        ]
    );
}

#[test]
fn an_operator_keeps_records_keys_and_dead_letters() {
    let dead = &[
        "${FillDeadLetters.Arn}",
        "${ReconcileDeadLetters.Arn}",
        "${ScheduleDeadLetters.Arn}",
    ];
    says(
        &MAIN,
        "OperatorPolicy",
        &[
            (
                "TheTableIsKnown",
                &[
                    "dynamodb:DescribeTable",
                    "dynamodb:DescribeContinuousBackups",
                    "dynamodb:DescribeTimeToLive",
                ],
                TABLE,
                Value::Null,
            ),
            (
                "RecordsAreKept",
                &[
                    "dynamodb:GetItem",
                    "dynamodb:BatchGetItem",
                    "dynamodb:Query",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:ConditionCheckItem",
                ],
                TABLE,
                partitions(&[
                    "ACCOUNT#*",
                    "ACCOUNTS",
                    "TRADEKEY#*",
                    "BOT#*",
                    "BOTS",
                    "DUE#*",
                    "BRIDGE",
                    "TABLE",
                ]),
            ),
            (
                "ComparisonsAreAsked",
                &[
                    "sqs:GetQueueUrl",
                    "sqs:GetQueueAttributes",
                    "sqs:SendMessage",
                ],
                QUEUES,
                Value::Null,
            ),
            (
                "DeadLettersAreSeenTo",
                SEE_TO_DEAD_LETTERS,
                dead,
                Value::Null,
            ),
            (
                "ApiKeysAreSealedAndTried",
                &["kms:Encrypt", "kms:Decrypt"],
                KEY,
                purpose(&json!(["stream", "trade"])),
            ),
            through_queues_and_table(),
        ],
        &[],
    );
}
