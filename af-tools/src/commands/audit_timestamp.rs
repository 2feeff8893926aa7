//! `af-tools audit timestamp`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::audit_prove::write_file;
use super::{Context, Failure};
use crate::checkpoint::{open_text, text_of};
use crate::cli::proof::TimestampArgs;
use crate::exit::Exit;
use crate::output::{ErrorReport, Report, Verbosity};
use crate::timestamp::authority::{self, Verified};
use crate::timestamp::{Query, Token, imprint, query_beside, reply_beside};

/// What became of a time stamp.
#[derive(Debug, Serialize)]
pub struct TimestampReport {
    /// The checkpoint.
    pub checkpoint: PathBuf,
    /// The query for it.
    pub query: PathBuf,
    /// The reply with the token; null if there is none yet.
    pub reply: Option<PathBuf>,
    /// What the token says.
    pub token: Option<Token>,
    /// Who has verified that it is the authority's; null if nobody has.
    pub verified: Option<Verified>,
}

/// A file could not be read.
#[derive(Debug, thiserror::Error)]
#[error("read {}", path.display())]
struct ReadError {
    path: PathBuf,
    source: io::Error,
}

impl Report for TimestampReport {
    fn write_text(&self, out: &mut dyn Write, _: Verbosity) -> io::Result<()> {
        let Some((token, reply)) = self.token.as_ref().zip(self.reply.as_ref()) else {
            writeln!(out, "query  {}", self.query.display())?;
            let query = self.query.display();
            writeln!(
                out,
                "next   curl -H 'Content-Type: application/timestamp-query' --data-binary @{query} URL >reply.tsr"
            )?;
            return writeln!(
                out,
                "       af-tools audit timestamp {} --reply reply.tsr",
                self.checkpoint.display()
            );
        };
        writeln!(out, "token        {}", reply.display())?;
        writeln!(out, "time         {}, by the authority's clock", token.time)?;
        writeln!(out, "serial       {}", token.serial)?;
        writeln!(out, "policy       {}", token.policy)?;
        writeln!(out, "content      SHA-256 of the checkpoint's file: compared by af-tools")?;
        let nonce = if token.answers_query {
            "compared by af-tools"
        } else {
            "not compared: there is no query beside it"
        };
        writeln!(out, "nonce        {nonce}")?;
        match &self.verified {
            Some(Verified { by, certificates }) => {
                writeln!(out, "signature    verified by {by}, with {}", certificates.display())
            }
            None => writeln!(out, "signature    not verified"),
        }
    }
}

pub(super) fn run(args: &TimestampArgs, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let text = text_of(&args.checkpoint)?;
    // Whose it is, others look at; a file that is no checkpoint is not meant.
    open_text(&args.checkpoint, &text, &[])?;
    let mut report = TimestampReport {
        checkpoint: args.checkpoint.clone(),
        query: query_beside(&args.checkpoint),
        reply: None,
        token: None,
        verified: None,
    };
    let path = reply_beside(&args.checkpoint);
    let reply = if args.verify {
        let reply = read_if_there(&path)?;
        Some(reply.ok_or_else(|| missing(&path))?)
    } else if let Some(file) = &args.reply {
        Some(read(file)?)
    } else {
        let query = query_for(&text, &report.query)?.to_bytes()?;
        args.tsa_url.as_ref().map(|url| authority::ask(url, &query)).transpose()?
    };
    let Some(reply) = reply else { return context.report(Exit::DONE, &report, None) };
    let query = read_if_there(&report.query)?.map(|bytes| Query::read(&bytes)).transpose()?;
    // One that was left behind by another checkpoint in this place says nothing.
    let query = query.filter(|query| query.is_of(imprint(text.as_bytes())));
    report.token = Some(Token::read(&reply, imprint(text.as_bytes()), query.as_ref())?);
    if let Some(certificates) = &args.tsa_ca {
        report.verified = Some(authority::verify(&reply, text.as_bytes(), certificates)?);
    }
    if !args.verify {
        write_file(&path, &reply)?;
    }
    report.reply = Some(path);
    if report.verified.is_none() && args.verify {
        let error = ErrorReport {
            message: "timestamp: nobody has verified that the token is an authority's".to_owned(),
            hint: Some("--tsa-ca FILE has OpenSSL do it, with the certificates in FILE.".to_owned()),
        };
        return context.report(Exit::NOT_PROVABLE, &report, Some(&error));
    }
    if report.verified.is_none() {
        context.printer.warning(format_args!("without --tsa-ca, nobody looks at who has signed the token"));
    }
    context.report(Exit::DONE, &report, None)
}

/// The query that is there, if it is for this, so that a reply on its way still answers it; else a new one.
fn query_for(text: &str, path: &Path) -> Result<Query, Failure> {
    let sha256 = imprint(text.as_bytes());
    let kept = read_if_there(path)?.and_then(|bytes| Query::read(&bytes).ok());
    if let Some(query) = kept.filter(|query| query.is_of(sha256)) {
        return Ok(query);
    }
    let query = Query::new(sha256)?;
    write_file(path, &query.to_bytes()?)?;
    Ok(query)
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    if path.exists() { read(path).map(Some) } else { Ok(None) }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|source| {
        let error = ReadError { path: path.to_owned(), source };
        Failure::new(Exit::COULD_NOT_RUN, &error, None)
    })
}

fn missing(path: &Path) -> Failure {
    let report = ErrorReport {
        message: format!("read time stamp {}: there is none", path.display()),
        hint: Some("`af-tools audit timestamp CHECKPOINT` writes the query for one.".to_owned()),
    };
    Failure { exit: Exit::NOT_PROVABLE, report }
}
