//! Whether an entry takes as long, and no more memory, in a large ledger as in a small one.

use af_tests::database::backend_pid;
use af_tests::tools;

use crate::Error;
use crate::content::{CHAIN_COLUMNS, COLUMNS};
use crate::context::{Context, Ledger};
use crate::figure::{Baseline, Figure, Point, Ratio, Sample};
use crate::memory::{of_process, of_session, peak_while};
use crate::rounds::{Candidate, Rounds};
use crate::verification::{INSIDE, OUTSIDE, af_tools_seconds};

const SMALLEST: i32 = 10_000;
const TENANTS: i32 = 100;

/// A ledger of each size.
struct Subject {
    postmaster: u32,
    ledgers: Vec<(u64, Ledger)>,
}

pub(crate) fn measure(context: &mut Context) -> Result<Vec<Figure>, Error> {
    let sizes = std::iter::successors(Some(SMALLEST), |size| size.checked_mul(10));
    let sizes: Vec<i32> = sizes.take_while(|size| *size <= context.scale.growth_to).collect();
    let mut ledgers = Vec::new();
    for size in &sizes {
        let mut ledger = context.ledger(&database(*size), TENANTS)?;
        ledger.create_content(*size, TENANTS)?;
        ledgers.push((u64::try_from(*size)?, ledger));
    }
    let postmaster = context.server.postmaster_pid().ok_or("the server is down")?;
    let mut subject = Subject { postmaster, ledgers };

    let insertion = subject
        .curve(context.rounds(), &[("plain table", Subject::insert_plain), ("pg_af", Subject::insert)])?;
    for (_, ledger) in &mut subject.ledgers {
        ledger.settle(&["audits"])?;
    }
    let verification = subject
        .curve(context.rounds(), &[(INSIDE, Subject::verify_inside), (OUTSIDE, Subject::verify_outside)])?;
    for (size, (_, ledger)) in sizes.iter().zip(subject.ledgers) {
        context.drop_ledger(ledger, &database(*size))?;
    }

    let figure = |name: &str, title: &str, points| {
        Figure {
        x_title: Some("entries".to_owned()),
        notes: vec![
            "Memory is what the process holds for itself: of the server, the session and its parallel workers, without shared \
             buffers; of af-tools, all."
                .to_owned(),
        ],
        ..Figure::new(name, title, "entry", points)
    }
    };
    let mut insertion =
        figure("growth-insertion", "Growth: insertion of all entries in one statement", insertion);
    insertion.baseline = Some(Baseline { label: "plain table".to_owned(), by: Ratio::Time });
    insertion.notes.push(
        "PostgreSQL itself remembers each row of a statement until its foreign key is checked, in the plain table as well."
            .to_owned(),
    );
    Ok(vec![insertion, figure("growth-verification", "Growth: verification of all entries", verification)])
}

fn database(size: i32) -> String {
    format!("growth_{size}")
}

type Measure = fn(&mut Subject, usize) -> Result<Sample, Error>;

impl Subject {
    fn curve(&mut self, rounds: Rounds, measures: &[(&str, Measure)]) -> Result<Vec<Point>, Error> {
        let sizes = self.ledgers.iter().map(|(size, _)| *size).enumerate().collect::<Vec<_>>();
        let candidates = measures.iter().flat_map(|(label, measure)| {
            sizes.iter().map(move |(index, size)| {
                Candidate::new(*label, move |subject: &mut Self| measure(subject, *index)).at(*size as f64)
            })
        });
        rounds.interleave(self, candidates.collect())
    }

    fn insert(&mut self, index: usize) -> Result<Sample, Error> {
        self.insert_into("audits", COLUMNS, index)
    }

    fn insert_plain(&mut self, index: usize) -> Result<Sample, Error> {
        self.insert_into("plain", &format!("{COLUMNS}, {CHAIN_COLUMNS}"), index)
    }

    fn insert_into(&mut self, table: &str, columns: &str, index: usize) -> Result<Sample, Error> {
        let (size, ledger) = &mut self.ledgers[index];
        ledger.client.batch_execute(&format!("TRUNCATE {table}"))?;
        ledger.settle(&[table])?;
        let (size, statement) =
            (*size, format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM content"));
        self.in_new_session(index, |ledger| ledger.time(size, &statement))
    }

    fn verify_inside(&mut self, index: usize) -> Result<Sample, Error> {
        let size = self.ledgers[index].0;
        self.in_new_session(index, |ledger| ledger.verify("", size))
    }

    /// A session that did something before may hold memory from then.
    fn in_new_session(
        &mut self,
        index: usize,
        work: impl FnOnce(&mut Ledger) -> Result<Sample, Error>,
    ) -> Result<Sample, Error> {
        let ledger = &mut self.ledgers[index].1;
        ledger.reconnect();
        let (postmaster, backend) = (self.postmaster, backend_pid(&mut ledger.client));
        let (sample, peak) = peak_while(|| of_session(postmaster, backend), || work(ledger));
        Ok(Sample { peak_memory_bytes: Some(peak), ..sample? })
    }

    fn verify_outside(&mut self, index: usize) -> Result<Sample, Error> {
        let (size, ledger) = &self.ledgers[index];
        let child = tools::command(&["--url", &ledger.url, "--json", "audit", "verify"]).spawn()?;
        let pid = child.id();
        let (run, peak) = peak_while(|| of_process(pid), || tools::finish(child));
        let seconds = af_tools_seconds(&run, "entries", *size)?;
        Ok(Sample { peak_memory_bytes: Some(peak), ..Sample::new(*size, seconds) })
    }
}
