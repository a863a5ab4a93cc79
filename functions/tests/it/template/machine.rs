//! The bridge's machine: what it lets in and out, and its start, carried out here with AWS and the system played by
//! small scripts.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::read::{BRIDGE, MAIN, at};

fn of_machine(path: &str) -> &'static Value {
    at(
        &BRIDGE,
        &format!("Resources/Machine/Properties/LaunchTemplateData/{path}"),
    )
}

#[test]
fn nothing_comes_in_and_only_https_goes_out() {
    let group = at(&BRIDGE, "Resources/Outward/Properties");
    assert_eq!(group.get("SecurityGroupIngress"), None);
    let out = group["SecurityGroupEgress"].as_array().unwrap();
    assert_eq!(out.len(), 1);
    assert_eq!(
        (&out[0]["FromPort"], &out[0]["ToPort"]),
        (&json!(443), &json!(443))
    );
    let resources = at(&BRIDGE, "Resources").as_object().unwrap();
    let rules = resources
        .values()
        .filter(|resource| resource["Type"] == "AWS::EC2::SecurityGroupIngress");
    assert_eq!(rules.count(), 0);
    assert_eq!(
        of_machine("NetworkInterfaces/0/Groups"),
        &json!(["${Outward}"])
    );
    assert_eq!(of_machine("MetadataOptions/HttpTokens"), "required");
    assert_eq!(
        of_machine("MetadataOptions/HttpPutResponseHopLimit"),
        &json!(1)
    );
    assert_eq!(
        of_machine("BlockDeviceMappings/0/Ebs/Encrypted"),
        &json!(true)
    );
    let machine = at(&BRIDGE, "Resources/Machine/Properties/LaunchTemplateData");
    assert_eq!(machine.get("KeyName"), None);
}

#[test]
fn one_bridge_is_always_at_work() {
    let group = at(&BRIDGE, "Resources/Group");
    let update = &group["UpdatePolicy"]["AutoScalingRollingUpdate"];
    assert_eq!(update["MinInstancesInService"], 1);
    assert_eq!(update["MaxBatchSize"], 1);
    assert_eq!(update["WaitOnResourceSignals"], true);
    assert_eq!(update["PauseTime"], "PT15M");
    let properties = &group["Properties"];
    assert_eq!(properties["MaxSize"], "2");
    assert_eq!(properties["MinSize"], "${Bridges}");
    assert_eq!(properties["DesiredCapacity"], "${Bridges}");
    assert_eq!(
        properties["LaunchTemplate"],
        json!({"LaunchTemplateId": "${Machine}", "Version": "${Machine.LatestVersionNumber}"})
    );
    assert_eq!(
        group["CreationPolicy"]["ResourceSignal"]["Count"],
        "${Bridges}"
    );
    assert_eq!(
        at(&MAIN, "Parameters/Bridges/AllowedValues"),
        &json!([0, 1, 2])
    );
    assert_eq!(at(&MAIN, "Resources/Bridge/Condition"), "HasBridges");
    assert_eq!(
        at(&MAIN, "Conditions/HasBridges"),
        &json!({"Not": [{"Equals": ["${Bridges}", "0"]}]})
    );
    // Where a successor starts beside its one predecessor, it needs an address of its own.
    for address in ["FirstAddress", "SecondAddress"] {
        let kind = at(&BRIDGE, &format!("Resources/{address}/Type"));
        assert_eq!(kind, "AWS::EC2::EIP");
    }
}

/// A machine whose system and AWS are played.
struct Machine {
    root: TempDir,
}

/// How a bridge answers whoever asks how it is.
#[derive(Debug, Clone, Copy)]
enum Health {
    Well,
    Unwell,
    Silent,
}

const PROGRAM: &str = "#!/bin/sh\necho played bridge\n";

impl Machine {
    /// With addresses that are taken, a program in the bucket, and a health check that answers or does not.
    fn new(taken: &[&str], program: &str, health: Health) -> Self {
        let root = TempDir::new().unwrap();
        let machine = Self { root };
        for folder in [
            "bin",
            "etc/systemd/system",
            "etc/logrotate.d",
            "usr/local/bin",
            "var/log",
            "played",
        ] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        for address in taken {
            fs::write(machine.path(&format!("played/{address}")), "").unwrap();
        }
        fs::write(machine.path("played/program"), program).unwrap();
        machine.play("dd", "touch \"$ROOT/swapfile\"");
        for program in ["mkswap", "swapon", "dnf"] {
            machine.play(
                program,
                "echo \"$(basename \"$0\") $*\" >>\"$ROOT/played/order\"",
            );
        }
        machine.play("sleep", "exec /bin/sleep 0.05");
        machine.play("systemctl", "echo \"$*\" >>\"$ROOT/played/systemctl\"");
        machine.answer(health);
        machine.play(
            "aws",
            "case \"$*\" in
               *no-allow-reassociation*)
                 address=$(echo \"$*\" | sed 's/.*--allocation-id \\([^ ]*\\).*/\\1/')
                 [ ! -e \"$ROOT/played/$address\" ] || exit 254
                 echo \"$address\" >\"$ROOT/played/address\";;
               *'s3 cp'*)
                 case \"$*\" in *s3://bucket/gridkeeper/1/gridkeeper-bridge*) ;; *) exit 1;; esac
                 for target; do :; done; cp \"$ROOT/played/program\" \"$target\";;
               *) exit 1;;
             esac",
        );
        for (folder, program, lines) in [
            (
                "opt/aws/bin",
                "cfn-signal",
                "echo \"$*\" >>\"$ROOT/played/signals\"",
            ),
            (
                "opt/aws/amazon-cloudwatch-agent/bin",
                "amazon-cloudwatch-agent-ctl",
                "echo \"$*\" >>\"$ROOT/played/log-agent\"",
            ),
        ] {
            fs::create_dir_all(machine.path(folder)).unwrap();
            machine.write_script(&format!("{folder}/{program}"), lines);
        }
        machine
    }

    /// Has the bridge answer like this from now on, as `curl` tells it.
    fn answer(&self, health: Health) {
        let well = match health {
            Health::Well => "exit 0",
            Health::Unwell => "case \"$*\" in *-f*) exit 22;; esac",
            Health::Silent => "exit 28",
        };
        let lines = format!(
            "case \"$*\" in *api/token*) echo token;; *instance-id*) echo i-1;; *9464/health) {well};; esac"
        );
        self.play("curl", &lines);
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.root.path().join(path)
    }

    fn play(&self, program: &str, lines: &str) {
        self.write_script(&format!("bin/{program}"), lines);
    }

    fn write_script(&self, path: &str, lines: &str) {
        let path = self.path(path);
        fs::write(&path, format!("#!/bin/bash\n{lines}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Starts it with the script of the template, for a program of this SHA-256.
    fn start(&self, sha256: &str) -> Output {
        let mut script = of_machine("UserData/Fn::Base64")
            .as_str()
            .unwrap()
            .to_owned();
        for (name, value) in [
            ("AWS::Region", "eu-west-1"),
            ("AWS::StackName", "gridkeeper-Bridge"),
            ("FirstAddress.AllocationId", "eipalloc-1"),
            ("SecondAddress.AllocationId", "eipalloc-2"),
            ("ArtifactBucket", "bucket"),
            ("ArtifactPrefix", "gridkeeper/1"),
            ("ProgramSha256", sha256),
            ("FillQueueUrl", "https://sqs/1/fills"),
            ("ReconcileQueueUrl", "https://sqs/1/reconcile"),
            ("Stack", "gridkeeper"),
            ("Table", "gridkeeper"),
            ("Log", "/gridkeeper/gridkeeper/bridge"),
        ] {
            script = script.replace(&format!("${{{name}}}"), value);
        }
        assert!(!script.contains("${"), "something is not filled in");
        let root = self.root.path().display().to_string();
        for folder in [
            "/etc/",
            "/usr/local/bin/",
            "/var/log/",
            "/opt/aws/",
            "/swapfile",
        ] {
            script = script.replace(folder, &format!("{root}{folder}"));
        }
        // Ten minutes are a second here.
        let patient = script.replace("-gt 600", "-gt 1");
        assert_ne!(patient, script);
        let path = format!(
            "{}:{}",
            self.path("bin").display(),
            "/usr/local/bin:/usr/bin:/bin"
        );
        Command::new("bash")
            .args(["-c", &patient])
            .env("ROOT", self.root.path())
            .env("PATH", path)
            .output()
            .unwrap()
    }

    fn played(&self, what: &str) -> String {
        fs::read_to_string(self.path(&format!("played/{what}"))).unwrap_or_default()
    }

    fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }
}

/// The SHA-256 of a text, by the same program as on the machine.
fn sha256(text: &str) -> String {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, text).unwrap();
    let output = Command::new("sha256sum").arg(&file).output().unwrap();
    String::from_utf8_lossy(&output.stdout)[..64].to_owned()
}

#[test]
fn a_bare_machine_becomes_a_bridges() {
    let machine = Machine::new(&[], PROGRAM, Health::Well);
    let output = machine.start(&sha256(PROGRAM));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(machine.played("address").trim(), "eipalloc-1");
    let signals = machine.played("signals");
    assert_eq!(signals.lines().count(), 1, "{signals}");
    assert!(
        signals.contains("--exit-code 0") && signals.contains("--resource Group"),
        "{signals}"
    );
    let started = machine.played("systemctl");
    assert!(
        started.contains(
            "enable --now gridkeeper-bridge.service gridkeeper-bridge-watch.timer --no-block"
        ),
        "{started}"
    );
    let told = fs::read_to_string(machine.path("etc/gridkeeper/bridge.env")).unwrap();
    let mut expected = String::new();
    for (name, value) in [
        ("AWS_REGION", "eu-west-1"),
        ("GRIDKEEPER_BRIDGE", "bridge-1"),
        ("GRIDKEEPER_METRICS", "127.0.0.1:9464"),
        ("GRIDKEEPER_OWN_ADDRESS", "true"),
        ("GRIDKEEPER_QUEUE_URL", "https://sqs/1/fills"),
        ("GRIDKEEPER_RECONCILE_QUEUE_URL", "https://sqs/1/reconcile"),
        ("GRIDKEEPER_TABLE", "gridkeeper"),
    ] {
        writeln!(expected, "{name}={value}").unwrap();
    }
    assert_eq!(told, expected);
    let unit = unit(&machine, "gridkeeper-bridge.service");
    let root = machine.root.path().display();
    for line in [
        format!("EnvironmentFile={root}/etc/gridkeeper/bridge.env"),
        format!("ExecStart={root}/usr/local/bin/gridkeeper-bridge"),
        format!("StandardOutput=append:{root}/var/log/gridkeeper/bridge.log"),
        format!("StandardError=append:{root}/var/log/gridkeeper/bridge.log"),
    ] {
        assert!(unit.contains(&line), "{line}");
    }
    for line in UNIT {
        assert!(unit.iter().any(|found| found == line), "{line}");
    }
    let log = fs::read_to_string(machine.path("etc/gridkeeper/log.json")).unwrap();
    let log: Value = serde_json::from_str(&log).unwrap();
    let collected = at(&log, "logs/logs_collected/files/collect_list/0");
    assert_eq!(collected["log_group_name"], "/gridkeeper/gridkeeper/bridge");
    let file = collected["file_path"].as_str().unwrap();
    assert!(unit.contains(&format!("StandardOutput=append:{file}")));
    let sent = machine.played("log-agent");
    assert!(sent.contains("-a fetch-config"), "{sent}");
    assert!(sent.contains("/etc/gridkeeper/log.json"), "{sent}");
}

/// What keeps a bridge in its place, and brings it back.
const UNIT: &[&str] = &[
    "Wants=network-online.target",
    "After=network-online.target",
    "StartLimitIntervalSec=0",
    "Type=notify",
    "NotifyAccess=main",
    "WatchdogSec=30",
    "Restart=always",
    "RestartSec=2",
    "TimeoutStopSec=30",
    "DynamicUser=yes",
    "UMask=0077",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateUsers=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "ProcSubset=pid",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RemoveIPC=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "SystemCallErrorNumber=EPERM",
    "MemoryMax=75%",
    "WantedBy=multi-user.target",
];

/// The lines of a unit of systemd that the machine has made.
fn unit(machine: &Machine, name: &str) -> Vec<String> {
    let text = fs::read_to_string(machine.path(&format!("etc/systemd/system/{name}"))).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_smallest_machine_has_room_to_install_what_it_needs() {
    let machine = Machine::new(&[], PROGRAM, Health::Well);
    machine.start(&sha256(PROGRAM));
    let swap = fs::metadata(machine.path("swapfile")).unwrap();
    assert_eq!(swap.permissions().mode() & 0o777, 0o600);
    let done = machine.played("order");
    let place = |what: &str| done.lines().position(|line| line.starts_with(what));
    let [made, used, installed] = ["mkswap", "swapon", "dnf"].map(|what| place(what).unwrap());
    assert!(made < used && used < installed, "{done}");
    let again = fs::read_to_string(machine.path("etc/fstab")).unwrap();
    assert!(again.contains("/swapfile none swap defaults"), "{again}");
}

#[test]
fn the_watchdog_looks_again_and_again() {
    let machine = Machine::new(&[], PROGRAM, Health::Well);
    machine.start(&sha256(PROGRAM));
    let timer = unit(&machine, "gridkeeper-bridge-watch.timer");
    for line in [
        "OnActiveSec=60",
        "OnUnitInactiveSec=20",
        "WantedBy=timers.target",
    ] {
        assert!(timer.iter().any(|found| found == line), "{line}");
    }
    let watch = unit(&machine, "gridkeeper-bridge-watch.service");
    let root = machine.root.path().display();
    let script = format!("ExecStart={root}/usr/local/bin/gridkeeper-bridge-watch");
    assert!(watch.contains(&script) && watch.contains(&"Type=oneshot".to_owned()));
    let done = machine.played("systemctl");
    let place = |what: &str| done.lines().position(|line| line.starts_with(what));
    assert!(place("daemon-reload").unwrap() < place("enable --now gridkeeper-bridge").unwrap());
}

#[test]
fn a_machine_never_takes_an_address_that_is_at_work() {
    let machine = Machine::new(&["eipalloc-1"], PROGRAM, Health::Well);
    let output = machine.start(&sha256(PROGRAM));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(machine.played("address").trim(), "eipalloc-2");
    let told = fs::read_to_string(machine.path("etc/gridkeeper/bridge.env")).unwrap();
    assert!(told.contains("GRIDKEEPER_BRIDGE=bridge-2\n"), "{told}");

    let machine = Machine::new(&["eipalloc-1", "eipalloc-2"], PROGRAM, Health::Well);
    assert!(!machine.start(&sha256(PROGRAM)).status.success());
    assert_eq!(machine.played("address"), "");
    assert!(!machine.has("usr/local/bin/gridkeeper-bridge"));
    assert!(machine.played("signals").contains("--exit-code 1"));
}

#[test]
fn a_program_that_is_not_the_one_named_is_never_run() {
    let machine = Machine::new(&[], "#!/bin/sh\ntouch \"$ROOT/played/ran\"\n", Health::Well);
    assert!(!machine.start(&sha256(PROGRAM)).status.success());
    assert!(!machine.has("played/ran"));
    assert!(!machine.has("usr/local/bin/gridkeeper-bridge"));
    assert_eq!(machine.played("systemctl"), "");
    let signals = machine.played("signals");
    assert_eq!(signals.lines().count(), 1, "{signals}");
    assert!(signals.contains("--exit-code 1"), "{signals}");
}

#[test]
fn a_bridge_that_is_not_well_is_no_successor() {
    for health in [Health::Unwell, Health::Silent] {
        let machine = Machine::new(&[], PROGRAM, health);
        assert!(!machine.start(&sha256(PROGRAM)).status.success());
        let signals = machine.played("signals");
        assert!(signals.contains("--exit-code 1"), "{health:?}: {signals}");
        assert!(!signals.contains("--exit-code 0"), "{health:?}: {signals}");
    }
}

#[test]
fn a_bridge_that_falls_silent_is_started_anew_and_one_that_answers_is_not() {
    let machine = Machine::new(&[], PROGRAM, Health::Well);
    machine.start(&sha256(PROGRAM));
    let watch = || {
        let path = format!("{}:/usr/bin:/bin", machine.path("bin").display());
        let script = machine.path("usr/local/bin/gridkeeper-bridge-watch");
        let mut watch = Command::new(script);
        watch
            .env("ROOT", machine.root.path())
            .env("PATH", path)
            .status()
            .unwrap()
    };
    assert!(watch().success());
    assert!(!machine.played("systemctl").contains("restart"));
    machine.answer(Health::Unwell);
    assert!(watch().success());
    assert!(!machine.played("systemctl").contains("restart"));
    machine.answer(Health::Silent);
    assert!(watch().success());
    assert!(
        machine
            .played("systemctl")
            .contains("restart gridkeeper-bridge.service")
    );
}

#[test]
fn a_machine_without_its_log_agent_is_still_a_bridges() {
    let machine = Machine::new(&[], PROGRAM, Health::Well);
    machine.play("dnf", "exit 137");
    let output = machine.start(&sha256(PROGRAM));
    assert!(output.status.success(), "{output:?}");
    assert!(machine.played("signals").contains("--exit-code 0"));
}

#[test]
fn the_script_fits_into_what_ec2_takes() {
    let script = of_machine("UserData/Fn::Base64").as_str().unwrap();
    assert!(script.len() < 12_000, "{}", script.len());
    assert!(Path::new("/bin/bash").exists());
}
