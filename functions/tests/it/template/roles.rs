//! Who may do what: every statement of every role and policy, written a second time. Neither the local AWS nor anything
//! else here enforces them, so that a slip would be seen on AWS only.

mod functions;
mod others;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::read::{BRIDGE, MAIN, at, of_type, property, texts};

/// A statement: its name, what is allowed on what, and under which condition.
type Statement = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    Value,
);

/// A statement as it stands: its name, `Allow` or `Deny`, what, on what, under which condition.
type Found<'a> = (&'a str, &'a str, Vec<&'a str>, Vec<&'a str>, Value);

const ROLES_AND_POLICIES: &[&str] = &[
    "AWS::IAM::Role",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::RolePolicy",
    "AWS::IAM::User",
    "AWS::IAM::UserPolicy",
    "AWS::IAM::Group",
    "AWS::IAM::GroupPolicy",
];

const TABLE: &[&str] = &["${Table.Arn}"];
const KEY: &[&str] = &["${Key.Arn}"];
const QUEUES: &[&str] = &["${FillQueue.Arn}", "${ReconcileQueue.Arn}"];

fn partitions(keys: &[&str]) -> Value {
    json!({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys}})
}

fn purpose(purpose: &Value) -> Value {
    json!({"StringEquals": {"kms:EncryptionContext:purpose": purpose}})
}

/// What encrypts queues and table on behalf of whoever uses them.
fn through_queues_and_table() -> Statement {
    let services = [
        "sqs.${AWS::Region}.amazonaws.com",
        "dynamodb.${AWS::Region}.amazonaws.com",
    ];
    (
        "QueuesAndTableAreEncrypted",
        &["kms:Decrypt", "kms:GenerateDataKey"],
        KEY,
        json!({"StringEquals": {"kms:ViaService": services}}),
    )
}

/// A role's or policy's statements, each as its parts.
fn statements(resource: &Value) -> Vec<Found<'_>> {
    let properties = &resource["Properties"];
    let mut documents: Vec<&Value> = properties.get("PolicyDocument").into_iter().collect();
    for policy in properties["Policies"].as_array().into_iter().flatten() {
        documents.push(&policy["PolicyDocument"]);
    }
    let mut found = Vec::new();
    for document in documents {
        assert_eq!(document["Version"], "2012-10-17");
        for statement in document["Statement"].as_array().unwrap() {
            let word = |name: &str| statement[name].as_str().unwrap_or_else(|| panic!("{name}"));
            found.push((
                word("Sid"),
                word("Effect"),
                texts(&statement["Action"]),
                texts(&statement["Resource"]),
                statement["Condition"].clone(),
            ));
        }
    }
    found
}

/// Asserts that a role or policy says just that, whatever the order; everything is allowed but what is in `denied`.
fn says(template: &Value, name: &str, expected: &[Statement], denied: &[&str]) {
    let resource = at(template, &format!("Resources/{name}"));
    let by_name = |statement: &(_, _, _, _, _)| statement.0;
    let mut found = statements(resource);
    found.sort_by_key(by_name);
    let mut expected: Vec<_> = expected
        .iter()
        .map(|(sid, actions, resources, condition)| {
            let effect = if denied.contains(sid) {
                "Deny"
            } else {
                "Allow"
            };
            (
                *sid,
                effect,
                actions.to_vec(),
                resources.to_vec(),
                condition.clone(),
            )
        })
        .collect();
    expected.sort_by_key(by_name);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(found.len(), expected.len(), "{name}: {found:?}");
}

#[test]
fn there_is_no_role_or_policy_but_these() {
    let names = |template| -> Vec<&str> {
        of_type(template, ROLES_AND_POLICIES)
            .map(|(name, _)| name)
            .collect()
    };
    assert_eq!(
        names(&MAIN),
        [
            "BridgePolicy",
            "HandleFillRole",
            "NetworkPolicy",
            "OperatorPolicy",
            "RecoverRole",
            "ScheduleRole",
            "TracingPolicy",
            "TradingPolicy",
        ]
    );
    assert_eq!(names(&BRIDGE), ["Role"]);
    let unless_absent = |condition: &str, policy: &str| json!({"If": [condition, format!("${{{policy}}}"), "${AWS::NoValue}"]});
    let of_functions = json!([
        "${TradingPolicy}",
        unless_absent("InSubnets", "NetworkPolicy"),
        unless_absent("IsTraced", "TracingPolicy"),
    ]);
    let of_machines = json!([
        "${PolicyArn}",
        "arn:${AWS::Partition}:iam::aws:policy/AmazonSSMManagedInstanceCore",
    ]);
    let expected = BTreeMap::from([
        ("HandleFillRole", of_functions.clone()),
        ("RecoverRole", of_functions),
        ("ScheduleRole", Value::Null),
        ("Role", of_machines),
    ]);
    for template in [&*MAIN, &*BRIDGE] {
        for (name, role) in of_type(template, &["AWS::IAM::Role"]) {
            assert_eq!(
                role["Properties"]["ManagedPolicyArns"], expected[name],
                "{name}"
            );
        }
    }
}

#[test]
fn each_role_is_taken_by_its_service_only() {
    let of_account = json!({"StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"}});
    let expected = BTreeMap::from([
        ("HandleFillRole", ("lambda.amazonaws.com", Value::Null)),
        ("RecoverRole", ("lambda.amazonaws.com", Value::Null)),
        ("ScheduleRole", ("scheduler.amazonaws.com", of_account)),
        ("Role", ("ec2.amazonaws.com", Value::Null)),
    ]);
    for template in [&*MAIN, &*BRIDGE] {
        for (name, role) in of_type(template, &["AWS::IAM::Role"]) {
            let trust = role["Properties"]["AssumeRolePolicyDocument"]["Statement"].as_array();
            let [statement] = trust.unwrap().as_slice() else {
                panic!("{name} is trusted to more than one");
            };
            let (service, condition) = &expected[name];
            assert_eq!(statement["Effect"], "Allow", "{name}");
            assert_eq!(statement["Action"], "sts:AssumeRole", "{name}");
            assert_eq!(
                statement["Principal"],
                json!({"Service": service}),
                "{name}"
            );
            assert_eq!(statement["Condition"], *condition, "{name}");
        }
    }
}

/// A rule beside the list, for whoever extends both.
#[test]
fn nothing_opens_everything() {
    for template in [&*MAIN, &*BRIDGE] {
        for (name, resource) in of_type(template, ROLES_AND_POLICIES) {
            for (sid, effect, actions, resources, condition) in statements(resource) {
                let whole = actions.iter().any(|action| action.contains('*'));
                assert!(!whole, "{name} {sid}: {actions:?}");
                let keys = actions.iter().any(|action| action.starts_with("kms:"));
                assert!(
                    !keys || condition != Value::Null,
                    "{name} {sid} opens every sealed key"
                );
                let all = resources.contains(&"*") && effect == "Allow";
                let known = ["CallsAreTraced", "LambdaConnectsTheFunctions"];
                assert!(!all || known.contains(&sid), "{name} {sid}: every resource");
            }
        }
    }
}

#[test]
fn the_key_is_used_by_the_accounts_roles_the_log_and_alarms() {
    let statements = at(property("Key", "KeyPolicy"), "Statement").as_array();
    let names: Vec<_> = statements
        .unwrap()
        .iter()
        .map(|statement| &statement["Sid"])
        .collect();
    assert_eq!(
        names,
        [
            "TheAccountDecidesByItsRoles",
            "LogsAreEncrypted",
            "AlarmsReachAnEncryptedTopic"
        ]
    );
    let log = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:";
    let groups = [
        format!("{log}/aws/lambda/${{AWS::StackName}}-*"),
        format!("{log}/gridkeeper/${{AWS::StackName}}/*"),
    ];
    assert_eq!(
        statements.unwrap()[1]["Condition"],
        json!({"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}})
    );
    assert_eq!(
        statements.unwrap()[2]["Condition"],
        json!({"StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"}})
    );
    // Log groups must have names that this lets in.
    for (name, start) in [
        ("HandleFillLog", "/aws/lambda/${AWS::StackName}-"),
        ("RecoverLog", "/aws/lambda/${AWS::StackName}-"),
    ] {
        let group = property(name, "LogGroupName").as_str().unwrap();
        assert!(group.starts_with(start), "{group}");
    }
    let group = at(&BRIDGE, "Resources/Log/Properties/LogGroupName");
    assert_eq!(group, "/gridkeeper/${Stack}/bridge");
}
