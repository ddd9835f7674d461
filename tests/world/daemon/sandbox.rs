//! `exec` probes of a daemon that has what the unit leaves it of privileges: none, and no way to gain any.
//!
//! What of the unit's sandbox only systemd itself can make (the filter of system calls, what is read-only) is seen by `./test vm`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::program::Daemon;
use super::scene::World;
use crate::child::until;

/// Nobody's.
const USER: u32 = 65_534;

fn program(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = path.display();
    format!(
        "[service.shop.probe.{name}]\nkind = \"exec\"\ntier = \"inform\"\ninterval = \"3s\"\nargv = [\"{path}\"]\n"
    )
}

#[tokio::test]
async fn exec_probes_work_without_any_privilege() {
    let world = World::new("").await;
    let folder = world.path();
    let (status, root) = ("/proc/self/status", rustix::process::getuid().is_root());
    let mut more = format!("[exec]\nallow = [{folder:?}]\ndir = {folder:?}\n");
    more += &program(folder, "pipes", "printf 'b\\na\\n' | sort | head -n 1 | grep -qx a");
    more += &program(folder, "writes", "echo x > written && test \"$(cat written)\" = x");
    more +=
        &program(folder, "bounded", &format!("grep -q 'NoNewPrivs:.1' {status} && test \"$(id -u)\" != 0"));
    // Without root there is no taking from the bounding set, and nobody is root here who could use it.
    let sets = if root { "^Cap" } else { "^Cap[IPE]" };
    more += &program(folder, "powerless", &format!("! grep '{sets}' {status} | grep -v '0000000000000000$'"));
    more += &program(folder, "stuck_out", "! su -c true </dev/null 2>/dev/null");
    world.write(&more);
    // Whoever it runs as must reach the program, wherever it was built.
    let copy = folder.join("watchkeeper");
    std::fs::copy(env!("CARGO_BIN_EXE_watchkeeper"), &copy).unwrap();
    if root {
        std::os::unix::fs::chown(folder, Some(USER), Some(USER)).unwrap();
    }
    let daemon = Daemon::start_as(folder, |run| {
        let mut command = tokio::process::Command::new("setpriv");
        command.arg("--no-new-privs").arg("--inh-caps=-all");
        if root {
            command.arg(format!("--reuid={USER}")).arg(format!("--regid={USER}"));
            command.args(["--clear-groups", "--bounding-set=-all"]);
        }
        command.arg(copy).args(run);
        command
    })
    .await;
    for name in ["pipes", "writes", "bounded", "powerless", "stuck_out"] {
        let up = format!("probe {name} in east is up");
        until(&up, || async { daemon.events().await.of("health").iter().any(|text| text.contains(&up)) })
            .await;
    }
    daemon.stop().await;
}
