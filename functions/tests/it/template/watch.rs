//! Who is told of what: alarms and dashboard speak of metrics that exist, and the runbook knows every alarm.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::read::{MAIN, at, of_type, property};

/// What is read of what the functions write in the namespace `Gridkeeper`, for each stack.
const FIGURES: &[&str] = &[
    "BridgesAlive",
    "CaughtUp",
    "ConnectedAccounts",
    "FillToOrderMilliseconds",
    "Fills",
    "NotCompared",
    "Quarantined",
    "QueueAgeMilliseconds",
    "Refused",
    "Unknown",
    "WeightUsed",
];

const ALARMS: &[&str] = &["AWS::CloudWatch::Alarm"];

fn of_stack() -> Value {
    json!([{"Name": "Stack", "Value": "${AWS::StackName}"}])
}

#[test]
fn every_alarm_reaches_somebody_and_the_runbook_says_what_to_do() {
    let runbook = include_str!("../../../../docs/runbook.md");
    let mut alarms = 0;
    for (name, alarm) in of_type(&MAIN, ALARMS) {
        let alarm = &alarm["Properties"];
        assert_eq!(alarm["AlarmActions"], json!(["${Alarms}"]), "{name}");
        assert_eq!(alarm["OKActions"], json!(["${Alarms}"]), "{name}");
        // The local AWS knows no arithmetic on metrics, and each alarm means one thing.
        assert_eq!(alarm.get("Metrics"), None, "{name}");
        assert!(
            alarm["AlarmDescription"].as_str().unwrap().len() > 20,
            "{name}"
        );
        let told = runbook
            .lines()
            .any(|line| line.starts_with('|') && line.contains(&format!("`{name}`")));
        assert!(told, "{name} is in no row of docs/runbook.md");
        alarms += 1;
    }
    let rows = runbook.lines().filter(|line| line.starts_with("| `"));
    let known: usize = rows
        .map(|row| row.split('|').nth(1).unwrap().matches('`').count() / 2)
        .sum();
    assert_eq!(
        known, alarms,
        "the runbook knows an alarm that is not there"
    );
}

#[test]
fn what_is_watched_is_what_the_functions_write() {
    let functions = include_str!("../../../src/figures.rs");
    for figure in FIGURES {
        assert!(
            functions.contains(&format!("\n    {figure},\n")),
            "{figure}"
        );
    }
    assert!(functions.contains("const NAMESPACE: &str = \"Gridkeeper\";"));
    assert!(functions.contains("\"Dimensions\": [[\"Stack\"]]"));
}

/// What an alarm watches: metric, dimension, statistic; over how many periods of how many seconds; from which value on.
type Watched = (
    &'static str,
    &'static str,
    Value,
    &'static str,
    (Value, u64, Option<u64>),
    (&'static str, u64),
);

const AT_LEAST: &str = "GreaterThanOrEqualToThreshold";

fn of_queue(name: &str) -> Value {
    json!([{"Name": "QueueName", "Value": format!("${{{name}.QueueName}}")}])
}

fn of_function(name: &str) -> Value {
    json!([{"Name": "FunctionName", "Value": format!("${{{name}}}")}])
}

fn dead_letters(queue: &str) -> Watched {
    let metric = "ApproximateNumberOfMessagesVisible";
    let once = (json!(60), 1, None);
    (
        "AWS/SQS",
        metric,
        of_queue(queue),
        "Maximum",
        once,
        (AT_LEAST, 1),
    )
}

fn of_age(queue: &str, seconds: u64) -> Watched {
    (
        "AWS/SQS",
        "ApproximateAgeOfOldestMessage",
        of_queue(queue),
        "Maximum",
        (json!(60), 3, None),
        ("GreaterThanThreshold", seconds),
    )
}

fn of_calls(metric: &'static str, function: &str) -> Watched {
    let twice = (json!(60), 3, Some(2));
    (
        "AWS/Lambda",
        metric,
        of_function(function),
        "Sum",
        twice,
        (AT_LEAST, 1),
    )
}

fn of_figure(metric: &'static str, periods: u64) -> Watched {
    let over = (json!(300), periods, None);
    ("Gridkeeper", metric, of_stack(), "Sum", over, (AT_LEAST, 1))
}

fn of_bridges(fewer_than: u64) -> Watched {
    let late = (json!("${RecoveryLateAfterSeconds}"), 1, None);
    (
        "Gridkeeper",
        "BridgesAlive",
        of_stack(),
        "Maximum",
        late,
        ("LessThanThreshold", fewer_than),
    )
}

#[test]
fn each_alarm_watches_what_its_name_says() {
    let late = (json!("${RecoveryLateAfterSeconds}"), 1, None);
    let own = "Gridkeeper/${AWS::StackName}";
    let expected: Vec<(&str, Watched)> = vec![
        ("FillsInDeadLetters", dead_letters("FillDeadLetters")),
        (
            "ComparisonsInDeadLetters",
            dead_letters("ReconcileDeadLetters"),
        ),
        ("ScheduleInDeadLetters", dead_letters("ScheduleDeadLetters")),
        ("FillsWait", of_age("FillQueue", 300)),
        ("HandleFillErrors", of_calls("Errors", "HandleFill")),
        ("HandleFillThrottles", of_calls("Throttles", "HandleFill")),
        ("RecoverErrors", of_calls("Errors", "Recover")),
        ("RecoverThrottles", of_calls("Throttles", "Recover")),
        (
            "RecoveryIsLate",
            (
                own,
                "RecoveryRuns",
                Value::Null,
                "Sum",
                late,
                ("LessThanThreshold", 1),
            ),
        ),
        ("NoBridge", of_bridges(1)),
        ("BridgeIsMissing", of_bridges(2)),
        ("ReportsAreMissed", of_figure("CaughtUp", 3)),
        ("BotsAreNotCompared", of_figure("NotCompared", 1)),
        ("LevelsRefused", of_figure("Refused", 3)),
        ("UnknownOutcomes", of_figure("Unknown", 2)),
        ("LevelsQuarantined", of_figure("Quarantined", 1)),
    ];
    assert_eq!(of_type(&MAIN, ALARMS).count(), expected.len());
    for (name, (namespace, metric, dimensions, statistic, over, limit)) in expected {
        let alarm = at(&MAIN, &format!("Resources/{name}/Properties"));
        assert_eq!(alarm["Namespace"], namespace, "{name}");
        assert_eq!(alarm["MetricName"], metric, "{name}");
        assert_eq!(alarm["Dimensions"], dimensions, "{name}");
        assert_eq!(alarm["Statistic"], statistic, "{name}");
        let (period, periods, of_them) = over;
        assert_eq!(alarm["Period"], period, "{name}");
        assert_eq!(alarm["EvaluationPeriods"], periods, "{name}");
        assert_eq!(
            alarm.get("DatapointsToAlarm").and_then(Value::as_u64),
            of_them,
            "{name}"
        );
        let (comparison, threshold) = limit;
        assert_eq!(alarm["ComparisonOperator"], comparison, "{name}");
        assert_eq!(alarm["Threshold"], threshold, "{name}");
        // Where nothing is counted, nothing is wrong, but for the runs that must come.
        let missing = match metric {
            "RecoveryRuns" => "breaching",
            "BridgesAlive" => "ignore",
            _ => "notBreaching",
        };
        assert_eq!(alarm["TreatMissingData"], missing, "{name}");
        if namespace == "Gridkeeper" {
            assert!(FIGURES.contains(&metric), "{name}: {metric}");
        }
    }
}

#[test]
fn a_second_bridge_is_missed_only_where_there_are_to_be_two() {
    let two = at(&MAIN, "Resources/BridgeIsMissing/Condition");
    assert_eq!(two, "HasTwoBridges");
    let two = at(&MAIN, "Conditions/HasTwoBridges");
    assert_eq!(*two, json!({"Equals": ["${Bridges}", "2"]}));
}

#[test]
fn who_is_named_hears_of_alarms() {
    let by_email = at(&MAIN, "Resources/AlarmsByEmail");
    assert_eq!(by_email["Condition"], "HasEmail");
    assert_eq!(
        by_email["Properties"],
        json!({"TopicArn": "${Alarms}", "Protocol": "email", "Endpoint": "${AlarmEmail}"})
    );
    let named = at(&MAIN, "Conditions/HasEmail");
    assert_eq!(*named, json!({"Not": [{"Equals": ["${AlarmEmail}", ""]}]}));
}

#[test]
fn recovery_is_late_when_its_runs_are_whatever_the_schedule() {
    let line = "due bots sent on";
    let function = include_str!("../../../src/due.rs");
    assert!(
        function.contains(&format!("\"{line}\"")),
        "the function no longer says {line:?}"
    );
    assert_eq!(
        *property("RecoveryRuns", "FilterPattern"),
        json!(format!("\"{line}\""))
    );
    assert_eq!(property("RecoveryRuns", "LogGroupName"), "${RecoverLog}");
    let counted = at(property("RecoveryRuns", "MetricTransformations"), "0");
    assert_eq!(
        counted["MetricNamespace"],
        *property("RecoveryIsLate", "Namespace")
    );
    assert_eq!(
        counted["MetricName"],
        *property("RecoveryIsLate", "MetricName")
    );
    assert_eq!(counted["MetricValue"], "1");
    // CloudWatch looks back a day at most, and takes whole minutes.
    let periods = at(&MAIN, "Parameters/RecoveryLateAfterSeconds/AllowedValues").as_array();
    for period in periods.unwrap() {
        let period = period.as_u64().unwrap();
        assert!(period.is_multiple_of(60) && period <= 86_400, "{period}");
    }
}

/// The dashboard as CloudWatch gets it, with what is filled in left as `${..}`.
fn dashboard() -> Value {
    let body = property("Dashboard", "DashboardBody").as_str().unwrap();
    serde_json::from_str(body).unwrap()
}

#[test]
fn the_dashboard_shows_every_figure_and_every_part() {
    let mut shown = BTreeSet::new();
    let mut figures = BTreeSet::new();
    for widget in dashboard()["widgets"].as_array().unwrap() {
        let properties = &widget["properties"];
        let title = &properties["title"];
        assert_eq!(properties["region"], "${AWS::Region}", "{title}");
        for metric in properties["metrics"].as_array().unwrap() {
            let words: Vec<&str> = metric
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            if words[0] == "Gridkeeper" {
                assert_eq!(words[2..], ["Stack", "${AWS::StackName}"], "{title}");
                assert!(FIGURES.contains(&words[1]), "{title}: {}", words[1]);
                figures.insert(words[1].to_owned());
            } else {
                shown.insert(words.join(" "));
            }
            let stat = metric.as_array().unwrap().last().unwrap().get("stat");
            assert!(
                stat.is_some() || properties.get("stat").is_some(),
                "{title}: {words:?}"
            );
        }
    }
    assert_eq!(
        figures,
        FIGURES.iter().map(|name| (*name).to_owned()).collect()
    );
    let needed = [
        "AWS/SQS ApproximateNumberOfMessagesVisible QueueName ${FillQueue.QueueName}",
        "AWS/SQS ApproximateNumberOfMessagesVisible QueueName ${ReconcileQueue.QueueName}",
        "AWS/SQS ApproximateAgeOfOldestMessage QueueName ${FillQueue.QueueName}",
        "AWS/SQS ApproximateNumberOfMessagesVisible QueueName ${FillDeadLetters.QueueName}",
        "AWS/SQS ApproximateNumberOfMessagesVisible QueueName ${ReconcileDeadLetters.QueueName}",
        "AWS/SQS ApproximateNumberOfMessagesVisible QueueName ${ScheduleDeadLetters.QueueName}",
        "AWS/Lambda Errors FunctionName ${HandleFill}",
        "AWS/Lambda Throttles FunctionName ${HandleFill}",
        "AWS/Lambda Duration FunctionName ${HandleFill}",
        "AWS/Lambda Errors FunctionName ${Recover}",
        "AWS/Lambda Throttles FunctionName ${Recover}",
        "AWS/Lambda Duration FunctionName ${Recover}",
        "Gridkeeper/${AWS::StackName} RecoveryRuns",
        "AWS/DynamoDB ConsumedReadCapacityUnits TableName ${Table}",
        "AWS/DynamoDB ConsumedWriteCapacityUnits TableName ${Table}",
        "AWS/DynamoDB ReadThrottleEvents TableName ${Table}",
        "AWS/DynamoDB WriteThrottleEvents TableName ${Table}",
    ];
    for metric in needed {
        assert!(shown.contains(metric), "{metric} is not shown");
    }
}

#[test]
fn latency_is_shown_at_the_median_and_at_its_worst() {
    let dashboard = dashboard();
    let lines: BTreeSet<(String, String)> = dashboard["widgets"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|widget| widget["properties"]["metrics"].as_array().unwrap())
        .filter_map(|metric| {
            let stat = metric.as_array()?.last()?.get("stat")?.as_str()?;
            Some((metric[1].as_str()?.to_owned(), stat.to_owned()))
        })
        .collect();
    for figure in [
        "FillToOrderMilliseconds",
        "QueueAgeMilliseconds",
        "Duration",
    ] {
        for stat in ["p50", "p99"] {
            assert!(
                lines.contains(&(figure.to_owned(), stat.to_owned())),
                "{figure} {stat}"
            );
        }
    }
}

#[test]
fn nothing_of_the_dashboard_hides_anything_else() {
    let mut taken = BTreeSet::new();
    for widget in dashboard()["widgets"].as_array().unwrap() {
        let number = |name: &str| widget[name].as_u64().unwrap();
        let (left, top) = (number("x"), number("y"));
        assert!(left + number("width") <= 24, "{widget}");
        for x in left..left + number("width") {
            for y in top..top + number("height") {
                assert!(taken.insert((x, y)), "{widget}");
            }
        }
    }
}
