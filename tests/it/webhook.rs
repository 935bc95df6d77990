//! The webhook of `.lem-config.yaml`: who hears how a campaign ended, and that it never disturbs one.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use lem_tests::Project;
use serde_json::Value;

/// A server that takes so many posts, answers each with its status, and returns what was posted.
fn server(statuses: &'static [u16]) -> (String, JoinHandle<Vec<Value>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}/T0KEN", listener.local_addr().expect("it is bound"));
    let serve = move || statuses.iter().map(|status| take(&listener, *status)).collect();
    (address, std::thread::spawn(serve))
}

fn take(listener: &TcpListener, status: u16) -> Value {
    let (mut stream, _) = listener.accept().expect("someone calls");
    let mut request = Vec::new();
    let body = loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).expect("a request");
        assert!(read > 0, "the request ends too soon: {}", String::from_utf8_lossy(&request));
        request.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_lowercase();
        assert!(head.starts_with("post /t0ken") && head.contains("content-type: application/json"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if length.and_then(|length| length.parse().ok()) == Some(body.len()) {
            break body.to_owned();
        }
    };
    let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).expect("the caller waits for an answer");
    serde_json::from_str(&body).expect("JSON was posted")
}

fn project(url: &str) -> Project {
    let project = Project::new();
    project.write(".lem-config.yaml", &format!("notifications:\n  webhook_url: {url}\n"));
    project
}

#[test]
fn a_campaign_that_completes_is_told_once_although_the_first_call_fails() {
    let (url, server) = server(&[503, 200]);
    let project = project(&url).scripted("a", "honest window_ms=50");
    let finished = project.run().exits(0);
    let told = server.join().expect("the server lives");
    assert_eq!(told[0], told[1], "the same is posted again");
    assert_eq!((&told[0]["event"], &told[0]["status"]), (&"campaign_finished".into(), &"completed".into()));
    assert_eq!((&told[0]["campaign_name"], &told[0]["completed"]), (&"test".into(), &1.into()), "{told:#?}");
    assert!(!finished.stderr.contains("T0KEN"), "the address is a secret: {}", finished.stderr);
}

#[test]
fn a_webhook_that_nobody_answers_changes_nothing_about_the_campaign() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/T0KEN", listener.local_addr().expect("it is bound"));
    drop(listener);
    let project = project(&url).scripted("a", "honest window_ms=50");
    let finished = project.run().exits(0);
    assert!(finished.stderr.contains("could not be told"), "{}", finished.stderr);
    assert!(!finished.stderr.contains("T0KEN"), "the address is a secret: {}", finished.stderr);
}

#[test]
fn an_address_that_is_none_is_a_finding_and_the_campaign_runs() {
    let project = project("'https:// test'").scripted("a", "honest window_ms=50");
    let _ = project.run().exits(0);
    let checked = project.lem(&["config", "check"]);
    assert!(format!("{}{}", checked.stdout, checked.stderr).contains("webhook_url"), "{checked:?}");
}
