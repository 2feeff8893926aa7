use std::thread;

use af_queries::client::Params;
use af_queries::queries::audit_checkpoints::{self, AuditCheckpoint, RecordParams};
use af_tests::database::sqlstate;
use postgres::{Client, Error};
use uuid::Uuid;

use crate::World;

/// Keeps a checkpoint whose root and hash are made of a byte each.
fn record(client: &mut Client, tenant: Uuid, place: (i32, i64), bytes: [u8; 2]) -> Result<bool, Error> {
    let (incarnation, size) = place;
    let [root, hash] = bytes.map(|byte| vec![byte; 32]);
    let params = RecordParams {
        tenant_id: tenant,
        incarnation,
        size,
        root,
        hash,
        origin: "example.org/log",
        note: "a note",
    };
    audit_checkpoints::record().params(client, &params).one()
}

fn newest(client: &mut Client) -> Vec<AuditCheckpoint> {
    audit_checkpoints::newest().bind(client).all().unwrap()
}

#[test]
fn a_checkpoint_is_kept_once_and_another_one_of_its_size_never() {
    let mut world = World::new();
    let (tenant, other) = (world.tenant, world.other);
    assert_eq!(newest(&mut world.client), []);
    let mut admin = world.connect_as("af_admin", Uuid::new_v4());
    assert!(record(&mut admin, tenant, (1, 8), [1, 2]).unwrap());
    assert!(!record(&mut admin, tenant, (1, 8), [1, 2]).unwrap());
    for bytes in [[3, 2], [1, 3], [3, 3]] {
        assert_eq!(sqlstate(record(&mut admin, tenant, (1, 8), bytes)), "23505", "{bytes:?}");
    }
    assert!(record(&mut admin, tenant, (1, 9), [1, 2]).unwrap(), "another size");
    assert!(record(&mut admin, tenant, (2, 8), [3, 3]).unwrap(), "another incarnation");
    assert!(record(&mut admin, other, (1, 8), [3, 3]).unwrap(), "another tenant");
    assert_eq!(sqlstate(record(&mut admin, Uuid::new_v4(), (1, 8), [1, 2])), "23503");
    assert_eq!(sqlstate(record(&mut admin, tenant, (0, 8), [1, 2])), "23514");
    assert_eq!(sqlstate(record(&mut admin, tenant, (1, 0), [1, 2])), "23514");
}

#[test]
fn the_newest_of_each_tenant_is_the_largest_of_its_last_incarnation() {
    let mut world = World::new();
    let (tenant, other) = (world.tenant, world.other);
    for (tenant, place) in
        [(tenant, (1, 10)), (tenant, (2, 3)), (tenant, (2, 2)), (other, (1, 9)), (other, (1, 10))]
    {
        assert!(record(&mut world.client, tenant, place, [1, 2]).unwrap());
    }
    let mut expected = [(tenant, 2, 3), (other, 1, 10)];
    expected.sort();
    let found = newest(&mut world.client);
    let places: Vec<_> = found.iter().map(|found| (found.tenant_id, found.incarnation, found.size)).collect();
    assert_eq!(places, expected);
    for found in &found {
        assert_eq!((&found.root, &found.hash), (&vec![1; 32], &vec![2; 32]));
        assert_eq!((found.origin.as_str(), found.note.as_str()), ("example.org/log", "a note"));
    }
    // The application is given its own tenant's, and an auditor all; neither adds any.
    for (role, count) in [("af_app", 1), ("af_auditor", 2)] {
        let mut client = world.connect_as(role, tenant);
        let found = newest(&mut client);
        assert_eq!(found.len(), count, "{role}");
        assert!(found.iter().any(|found| found.tenant_id == tenant), "{role}");
        assert_eq!(sqlstate(record(&mut client, tenant, (3, 1), [1, 2])), "42501", "{role}");
    }
}

#[test]
fn of_two_at_the_same_time_one_is_new_or_wrong() {
    let mut world = World::new();
    let tenant = world.tenant;
    for (size, bytes) in [(1, [1, 2]), (2, [3, 2])] {
        let mut first = world.database.connect();
        let mut transaction = first.transaction().unwrap();
        let insert = "INSERT INTO audit_checkpoints (tenant_id, incarnation, size, root, hash, origin, note) \
                      VALUES ($1, 1, $2, decode(repeat('01', 32), 'hex'), decode(repeat('02', 32), 'hex'), 'o', 'n')";
        transaction.execute(insert, &[&tenant, &i64::from(size)]).unwrap();
        let mut second = world.database.connect();
        let pid = af_tests::database::backend_pid(&mut second);
        let waiting = thread::spawn(move || record(&mut second, tenant, (1, size.into()), bytes));
        af_tests::database::wait_until_blocked(&mut world.client, pid);
        transaction.commit().unwrap();
        let told = waiting.join().unwrap();
        match size {
            1 => assert!(!told.unwrap()),
            _ => assert_eq!(sqlstate(told), "23505"),
        }
    }
    assert_eq!(newest(&mut world.client)[0].root, [1; 32]);
}
