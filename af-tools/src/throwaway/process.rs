//! Processes: run to the end, signalled, looked for.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::error::{Error, io_error};

/// Runs a program to its end; its output is for the error message only.
pub(super) fn run(command: &mut Command) -> Result<(), Error> {
    let program =
        Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let output =
        command.stdin(Stdio::null()).output().map_err(|source| io_error(format!("run {program}"), source))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let output_text = String::from_utf8_lossy(&text).trim_end().to_owned();
    Err(Error::Program { program, status: output.status, output: output_text })
}

pub(super) fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

/// Signals a process; one that is gone already is as good.
pub(super) fn send(pid: Pid, signal: Signal) -> Result<(), Error> {
    match kill(pid, signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(io_error(format!("send {signal} to process {pid}"), errno.into())),
    }
}

/// State and parent of a process, from Linux's /proc. The name before them may hold anything, also parentheses.
fn proc_stat(pid: &str) -> Option<(char, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// Whether a process still runs. A zombie holds nothing any more, and where no init reaps, it stays for ever.
pub(super) fn is_alive(pid: Pid) -> bool {
    kill(pid, None).is_ok() && proc_stat(&pid.to_string()).is_none_or(|(state, _)| state != 'Z')
}

/// The children of a process: from /proc, elsewhere from `ps`.
pub(super) fn children_of(parent: Pid) -> Result<Vec<Pid>, Error> {
    if let Ok(processes) = fs::read_dir("/proc") {
        let children = processes.flatten().filter_map(|entry| {
            let name = entry.file_name();
            let pid = name.to_str()?.parse().ok()?;
            let (_, parent_pid) = proc_stat(name.to_str()?)?;
            (parent_pid == parent.as_raw()).then(|| Pid::from_raw(pid))
        });
        return Ok(children.collect());
    }
    let output = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output();
    let output = output.map_err(|source| io_error("run ps", source))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let children = text.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (pid, parent_pid) = (fields.next()?.parse().ok()?, fields.next()?.parse::<i32>().ok()?);
        (parent_pid == parent.as_raw()).then(|| Pid::from_raw(pid))
    });
    Ok(children.collect())
}
