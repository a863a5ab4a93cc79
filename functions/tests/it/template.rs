//! What `template.yaml` has to say: the waiting times of `trading`'s limits, what the local AWS drops without a word,
//! and who may do what.

use std::time::Duration;

use trading::{
    FILL_FUNCTION_TIMEOUT, MAX_RECEIVES, RECONCILE_VISIBILITY, RECOVER_FUNCTION_TIMEOUT,
    RECOVERY_EVERY_ON_AWS, VISIBILITY,
};

/// The lines of a resource, without its name.
fn resource(name: &str) -> Vec<&'static str> {
    let template = include_str!("../../../template.yaml");
    let begin = format!("  {name}:");
    let lines: Vec<&str> = template
        .lines()
        .skip_while(|line| *line != "Resources:")
        .skip_while(|line| *line != begin)
        .skip(1)
        .take_while(|line| line.starts_with("    ") || line.trim().is_empty())
        .collect();
    assert!(!lines.is_empty(), "there is no resource {name}");
    lines
}

/// The value of a property of a resource.
fn value(name: &str, property: &str) -> &'static str {
    let lines = resource(name);
    let key = format!("{property}: ");
    let mut values = lines
        .iter()
        .filter_map(|line| line.trim_start().strip_prefix(&key));
    let value = values.next();
    value.unwrap_or_else(|| panic!("{name} has no {property}"))
}

fn seconds(duration: Duration) -> String {
    duration.as_secs().to_string()
}

/// The statement of a role with this name: its lines.
fn statement(role: &str, name: &str) -> String {
    let begin = format!("- Sid: {name}");
    let lines = resource(role);
    let mut lines = lines.iter().skip_while(|line| line.trim_start() != begin);
    let first = lines.next();
    let first = first.unwrap_or_else(|| panic!("{role} has no statement {name}"));
    let depth = first.len() - first.trim_start().len();
    let rest = lines.take_while(|line| line.len() - line.trim_start().len() > depth);
    rest.map(|line| format!("{}\n", line.trim_start()))
        .collect()
}

#[test]
fn waiting_times_are_those_of_the_limits() {
    assert_eq!(value("FillQueue", "VisibilityTimeout"), seconds(VISIBILITY));
    assert_eq!(
        value("ReconcileQueue", "VisibilityTimeout"),
        seconds(RECONCILE_VISIBILITY)
    );
    assert_eq!(
        value("HandleFill", "Timeout"),
        seconds(FILL_FUNCTION_TIMEOUT)
    );
    assert_eq!(
        value("Recover", "Timeout"),
        seconds(RECOVER_FUNCTION_TIMEOUT)
    );
    let redrive = value("FillQueue", "RedrivePolicy");
    assert!(
        redrive.contains(&format!("maxReceiveCount: {MAX_RECEIVES} ")),
        "{redrive}"
    );
    let template = include_str!("../../../template.yaml");
    assert!(template.contains("    Default: rate(1 minute)\n"));
    assert!(RECOVERY_EVERY_ON_AWS < Duration::from_secs(60));
}

#[test]
fn the_ledger_and_its_keys_outlive_everything() {
    for name in ["Table", "Key"] {
        let text = resource(name).join("\n");
        for line in ["DeletionPolicy: Retain", "UpdateReplacePolicy: Retain"] {
            assert!(text.contains(line), "{name}: {line}");
        }
    }
    assert_eq!(value("Table", "DeletionProtectionEnabled"), "true");
    assert!(value("Table", "PointInTimeRecoverySpecification").contains("Enabled: true"));
    let encryption = value("Table", "SSESpecification");
    assert!(
        encryption.contains("SSEEnabled: true") && encryption.contains("!GetAtt Key.Arn"),
        "{encryption}"
    );
    for queue in [
        "FillQueue",
        "FillDeadLetters",
        "ReconcileQueue",
        "ReconcileDeadLetters",
        "ScheduleDeadLetters",
    ] {
        assert_eq!(value(queue, "KmsMasterKeyId"), "!Ref Key", "{queue}");
    }
}

#[test]
fn each_role_may_do_what_it_is_for_and_no_more() {
    let keys = statement("HandleFill", "TradeKeysAreOpened");
    assert!(keys.contains(r#"Action: "kms:Decrypt""#), "{keys}");
    assert!(
        keys.contains(r#"StringEquals: { "kms:EncryptionContext:purpose": trade }"#),
        "{keys}"
    );
    let records = statement("HandleFill", "BotsAndTheirLedger");
    for word in ["dynamodb:Scan", "dynamodb:DeleteItem", "TRADEKEY", "\"*\""] {
        assert!(!records.contains(word), "{word} in {records}");
    }
    assert!(records.contains(r#"["BOT#*", "ACCOUNT#*", "BRIDGE"]"#));
    let secrets = statement("HandleFill", "TradeKeysAreRead");
    assert!(
        secrets.contains(r#"Action: "dynamodb:GetItem""#),
        "{secrets}"
    );
    assert!(secrets.contains(r#"["TRADEKEY#*"]"#), "{secrets}");
    let due = statement("Recover", "DueBotsAreTaken");
    assert!(due.contains(r#"["BOT#*", "DUE#*"]"#), "{due}");
    for (role, queue) in [("HandleFill", "FillQueue"), ("Recover", "ReconcileQueue")] {
        let name = if role == "Recover" {
            "ComparisonsAreTaken"
        } else {
            "ReportsAreTaken"
        };
        let taken = statement(role, name);
        assert!(
            taken.contains(&format!("Resource: !GetAtt {queue}.Arn")),
            "{taken}"
        );
    }
    let schedule = statement("ScheduleRole", "RecoveryIsCalled");
    assert!(
        schedule.contains("Resource: !GetAtt Recover.Arn"),
        "{schedule}"
    );
    let template = include_str!("../../../template.yaml");
    for line in template.lines().filter(|line| line.contains("Action:")) {
        let whole = ["dynamodb:*", "sqs:*", "lambda:*", "logs:*"];
        assert!(whole.iter().all(|action| !line.contains(action)), "{line}");
    }
}
