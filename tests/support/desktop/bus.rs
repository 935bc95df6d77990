//! A session bus of the test's own: the app is single on it, and sees no service of the machine's desktop.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use super::stage::Process;

/// The bus; dropped, it ends.
pub(super) struct SessionBus {
    address: String,
    _daemon: Process,
}

/// Nothing is activated by name: portals and accessibility would outlive the test.
const CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

impl SessionBus {
    pub(super) fn start(home: &Path) -> Self {
        let config = home.join("bus.conf");
        std::fs::write(&config, CONFIG).expect("a temporary folder can be written to");
        let mut command = Command::new("dbus-daemon");
        command.arg(format!("--config-file={}", config.display())).args(["--nofork", "--print-address"]);
        let (daemon, output) = Process::start_piped(&mut command);
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address).expect("the bus says its address");
        Self { address: address.trim().to_owned(), _daemon: daemon }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }
}
