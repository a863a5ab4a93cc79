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
        let kept = property(name, "RetentionInDays");
        assert_eq!(kept, "${LogRetentionDays}", "{name}");
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
    let usual = at(&MAIN, "Parameters/RecoveryConcurrency/Default");
    let parameter = "${RecoveryConcurrency}";
    assert_eq!(
        *most,
        json!({"If": ["IsUsualConcurrency", usual, parameter]})
    );
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

#[test]
fn names_are_made_of_the_stacks_so_that_the_operators_command_finds_them() {
    for (resource, name, value) in [
        ("Table", "TableName", "${AWS::StackName}"),
        ("KeyAlias", "AliasName", "alias/${AWS::StackName}"),
        ("KeyAlias", "TargetKeyId", "${Key}"),
        ("FillQueue", "QueueName", "${AWS::StackName}-fills"),
        (
            "FillDeadLetters",
            "QueueName",
            "${AWS::StackName}-fills-dead",
        ),
        ("ReconcileQueue", "QueueName", "${AWS::StackName}-reconcile"),
        (
            "ReconcileDeadLetters",
            "QueueName",
            "${AWS::StackName}-reconcile-dead",
        ),
        (
            "ScheduleDeadLetters",
            "QueueName",
            "${AWS::StackName}-schedule-dead",
        ),
        (
            "HandleFill",
            "FunctionName",
            "${AWS::StackName}-handle-fill",
        ),
        ("Recover", "FunctionName", "${AWS::StackName}-recover"),
        (
            "HandleFillLog",
            "LogGroupName",
            "/aws/lambda/${AWS::StackName}-handle-fill",
        ),
        (
            "RecoverLog",
            "LogGroupName",
            "/aws/lambda/${AWS::StackName}-recover",
        ),
        ("Alarms", "TopicName", "${AWS::StackName}-alarms"),
        ("Dashboard", "DashboardName", "${AWS::StackName}"),
    ] {
        assert_eq!(property(resource, name), value, "{resource}");
    }
}

#[test]
fn each_function_is_called_by_its_queue_and_gives_back_what_it_did_not_handle() {
    for (function, event, queue, most) in [
        ("HandleFill", "Reports", "${FillQueue.Arn}", 10),
        // A bot a call: one that takes long holds up no other.
        ("Recover", "Asked", "${ReconcileQueue.Arn}", 1),
    ] {
        let events = property(function, "Events").as_object().unwrap();
        assert_eq!(events.keys().collect::<Vec<_>>(), [event]);
        let called = &events[event];
        assert_eq!(called["Type"], "SQS", "{function}");
        let called = &called["Properties"];
        assert_eq!(called["Queue"], queue, "{function}");
        assert_eq!(called["BatchSize"], most, "{function}");
        let answers = json!(["ReportBatchItemFailures"]);
        assert_eq!(called["FunctionResponseTypes"], answers, "{function}");
        assert_eq!(property(function, "LoggingConfig")["LogFormat"], "JSON");
    }
    // Lambda's own lines about calls that went well are paid by size.
    let of_reports = &property("HandleFill", "LoggingConfig");
    assert_eq!(of_reports["SystemLogLevel"], "WARN");
}

#[test]
fn the_schedule_calls_recovery_as_it_expects_to_be_called() {
    let target = property("DueBots", "Target");
    assert_eq!(target["Arn"], "${Recover.Arn}");
    assert_eq!(target["RoleArn"], "${ScheduleRole.Arn}");
    let input = target["Input"].as_str().unwrap();
    let called = serde_json::from_str::<functions::Wake>(input);
    assert!(
        matches!(called, Ok(functions::Wake::Scheduled(_))),
        "{input}"
    );
    assert_eq!(property("DueBots", "ScheduleExpression"), "${Schedule}");
    assert_eq!(
        *property("DueBots", "FlexibleTimeWindow"),
        json!({"Mode": "OFF"})
    );
    // The next one comes in a minute.
    assert_eq!(
        target["RetryPolicy"],
        json!({"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60})
    );
}

#[test]
fn a_version_of_the_bridge_is_a_folder_of_the_bucket() {
    let template = at(&MAIN, "Resources/Bridge/Properties/TemplateURL");
    let folder = "https://${ArtifactBucket}.s3.${AWS::Region}.${AWS::URLSuffix}/${ArtifactPrefix}";
    assert_eq!(*template, json!(format!("{folder}/bridge.yaml")));
    let parameters = at(&MAIN, "Resources/Bridge/Properties/Parameters");
    for (name, value) in [
        ("ArtifactBucket", "${ArtifactBucket}"),
        ("ArtifactPrefix", "${ArtifactPrefix}"),
        ("Bridges", "${Bridges}"),
        ("InstanceType", "${BridgeInstanceType}"),
        ("LogRetentionDays", "${LogRetentionDays}"),
    ] {
        assert_eq!(parameters[name], value, "{name}");
    }
    let needed = at(&MAIN, "Rules/BridgesHaveAProgram/Assertions").as_array();
    assert_eq!(needed.unwrap().len(), 3);
}
