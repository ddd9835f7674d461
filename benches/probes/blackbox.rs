//! Debian's prometheus-blackbox-exporter, driven flat out by wrk against the same server.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::measure::Usage;
use crate::server::Server;

struct Exporter(Child);

impl Drop for Exporter {
    fn drop(&mut self) {
        self.0.kill().expect("the exporter can be ended");
        self.0.wait().expect("the exporter ends");
    }
}

pub(crate) fn run(server: &Server) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("blackbox.yml");
    let module = "modules:\n  http_2xx:\n    prober: http\n    timeout: 2s\n    http:\n      preferred_ip_protocol: ip4\n";
    std::fs::write(&config, module).expect("its config");
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|free| free.local_addr())
        .expect("a free port")
        .port();
    let child = Command::new("prometheus-blackbox-exporter")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stderr(Stdio::null())
        .spawn();
    let Ok(child) = child else {
        return println!(
            "prometheus-blackbox-exporter is not installed: apt-get install prometheus-blackbox-exporter wrk"
        );
    };
    let exporter = Exporter(child);
    let up = (0..200).any(|_| {
        let up = std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        if !up {
            std::thread::sleep(Duration::from_millis(20));
        }
        up
    });
    assert!(up, "the exporter does not listen");
    let target = format!(
        "http://127.0.0.1:{port}/probe?module=http_2xx&target=http://127.1.0.1:{}/health",
        server.port
    );
    let before = Usage::of(exporter.0.id());
    let out =
        Command::new("wrk").args(["-t1", "-c64", "-d10s", "--latency", &target]).output().expect("wrk runs");
    let after = Usage::of(exporter.0.id());
    let cost = after.since(&before);
    let text = String::from_utf8_lossy(&out.stdout);
    let rate: f64 =
        text.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok()).unwrap_or(0.0);
    println!(
        "{:42} {:9.0} {:9.0} {:>9} {:>9} {:7.1} {:8.1}  wrk, 64 at once",
        "blackbox exporter, flat out",
        rate,
        rate / (cost.cpu / cost.wall),
        "-",
        "-",
        100.0 * cost.cpu / cost.wall,
        after.rss_mb
    );
}
