//! What the templates have to say: the waiting times of `trading`'s limits, what the local AWS drops without a word,
//! who may do what, who is told of what, and how a bare machine becomes a bridge's.

mod machine;
mod read;
mod roles;
mod watch;

use std::time::Duration;

use serde_json::{Value, json};
use trading::{
    FILL_FUNCTION_TIMEOUT, MAX_RECEIVES, RECONCILE_VISIBILITY, RECOVER_FUNCTION_TIMEOUT,
    RECOVERY_EVERY_ON_AWS, VISIBILITY,
};

use read::{KEPT, MAIN, at, property};

fn seconds(duration: Duration) -> Value {
    json!(duration.as_secs())
}

#[test]
fn waiting_times_are_those_of_the_limits() {
    for (resource, name, limit) in [
        ("FillQueue", "VisibilityTimeout", VISIBILITY),
        ("ReconcileQueue", "VisibilityTimeout", RECONCILE_VISIBILITY),
        ("HandleFill", "Timeout", FILL_FUNCTION_TIMEOUT),
        ("Recover", "Timeout", RECOVER_FUNCTION_TIMEOUT),
    ] {
        assert_eq!(*property(resource, name), seconds(limit), "{resource}");
    }
    let every = at(&MAIN, "Parameters/Schedule/Default");
    assert_eq!(every, "rate(1 minute)");
    assert!(RECOVERY_EVERY_ON_AWS < Duration::from_secs(60));
    // A run may come late once before anybody is told.
    let late = at(&MAIN, "Parameters/RecoveryLateAfterSeconds");
    assert!(late["Default"].as_u64() >= Some(2 * 60));
}

#[test]
fn the_ledger_and_its_keys_outlive_everything_but_a_failed_beginning() {
    for name in ["Table", "Key"] {
        let resource = at(&MAIN, &format!("Resources/{name}"));
        assert_eq!(resource["DeletionPolicy"], "RetainExceptOnCreate", "{name}");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{name}");
    }
    let protected = json!({"If": ["IsProtected", true, false]});
    assert_eq!(*property("Table", "DeletionProtectionEnabled"), protected);
    let protected = json!({"Equals": ["${DeletionProtection}", "on"]});
    assert_eq!(*at(&MAIN, "Conditions/IsProtected"), protected);
    assert_eq!(at(&MAIN, "Parameters/DeletionProtection/Default"), "on");
    let recovery = property("Table", "PointInTimeRecoverySpecification");
    assert_eq!(*recovery, json!({"PointInTimeRecoveryEnabled": true}));
}

#[test]
fn what_is_kept_can_be_taken_into_a_new_stack_as_it_is() {
    let resources = at(&KEPT, "Resources").as_object().unwrap();
    assert_eq!(resources.keys().collect::<Vec<_>>(), ["Key", "Table"]);
    for path in [
        "Resources/Key",
        "Resources/Table",
        "Conditions/IsProtected",
        "Parameters/DeletionProtection",
    ] {
        assert_eq!(at(&KEPT, path), at(&MAIN, path), "{path}");
    }
}

#[test]
fn everything_that_lies_somewhere_is_encrypted_with_the_key() {
    assert_eq!(
        *property("Table", "SSESpecification"),
        json!({"SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": "${Key.Arn}"})
    );
    for (name, _) in read::of_type(&MAIN, &["AWS::SQS::Queue", "AWS::SNS::Topic"]) {
        assert_eq!(property(name, "KmsMasterKeyId"), "${Key}", "{name}");
    }
    for (name, _) in read::of_type(&MAIN, &["AWS::Logs::LogGroup"]) {
        assert_eq!(property(name, "KmsKeyId"), "${Key.Arn}", "{name}");
    }
    assert_eq!(property("DueBots", "KmsKeyArn"), "${Key.Arn}");
    assert_eq!(*property("Key", "EnableKeyRotation"), json!(true));
    let bridge = at(&MAIN, "Resources/Bridge/Properties/Parameters/KeyArn");
    assert_eq!(bridge, "${Key.Arn}");
    let log = at(&read::BRIDGE, "Resources/Log/Properties/KmsKeyId");
    assert_eq!(log, "${KeyArn}");
}

#[test]
fn what_cannot_be_handled_is_kept_for_a_look() {
    let fortnight = json!(14 * 24 * 3600);
    for (queue, dead, receives) in [
        ("FillQueue", "FillDeadLetters", MAX_RECEIVES),
        ("ReconcileQueue", "ReconcileDeadLetters", 5),
    ] {
        assert_eq!(
            *property(queue, "RedrivePolicy"),
            json!({"deadLetterTargetArn": format!("${{{dead}.Arn}}"), "maxReceiveCount": receives})
        );
        let kept = property(dead, "MessageRetentionPeriod");
        assert_eq!(*kept, fortnight, "{dead}");
        assert!(kept.as_u64() > property(queue, "MessageRetentionPeriod").as_u64());
    }
    let target = property("DueBots", "Target");
    assert_eq!(
        target["DeadLetterConfig"],
        json!({"Arn": "${ScheduleDeadLetters.Arn}"})
    );
    let kept = property("ScheduleDeadLetters", "MessageRetentionPeriod");
    assert_eq!(*kept, fortnight);
}

#[test]
fn recovery_leaves_reports_their_share_of_a_new_account() {
    // What a new AWS account may run at once.
    const OF_A_NEW_ACCOUNT: u64 = 10;
    let most = at(
        property("Recover", "Events"),
        "Asked/Properties/ScalingConfig/MaximumConcurrency",
    );
    assert_eq!(most, "${RecoveryConcurrency}");
    let usual = at(&MAIN, "Parameters/RecoveryConcurrency/Default");
    assert!(usual.as_u64().unwrap() * 2 <= OF_A_NEW_ACCOUNT);
    // SQS takes no smaller one.
    let least = at(&MAIN, "Parameters/RecoveryConcurrency/MinValue");
    assert_eq!(*least, json!(2));
}

#[test]
fn functions_and_bridge_are_told_of_one_deployment() {
    let variables = at(&MAIN, "Globals/Function/Environment/Variables");
    for (name, value) in [
        ("GRIDKEEPER_STACK", "${AWS::StackName}"),
        ("GRIDKEEPER_TABLE", "${Table}"),
        ("GRIDKEEPER_QUEUE_URL", "${FillQueue}"),
        ("GRIDKEEPER_RECONCILE_QUEUE_URL", "${ReconcileQueue}"),
    ] {
        assert_eq!(variables[name], value, "{name}");
    }
    let parameters = at(&MAIN, "Resources/Bridge/Properties/Parameters");
    for (name, value) in [
        ("Stack", "${AWS::StackName}"),
        ("Table", "${Table}"),
        ("FillQueueUrl", "${FillQueue}"),
        ("ReconcileQueueUrl", "${ReconcileQueue}"),
        ("PolicyArn", "${BridgePolicy}"),
        ("ProgramSha256", "${BridgeSha256}"),
    ] {
        assert_eq!(parameters[name], value, "{name}");
    }
    let given: Vec<_> = parameters.as_object().unwrap().keys().collect();
    let taken: Vec<_> = at(&read::BRIDGE, "Parameters")
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(given, taken);
}
