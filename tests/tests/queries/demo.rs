use af_queries::queries::demo;
use af_tests::ledger::add_entries;

use crate::World;

#[test]
fn the_entry_to_be_edited_is_inside_the_longest_chain_and_moves_money_if_one_does() {
    let mut world = World::new();
    let (tenant, other, client) = (world.tenant, world.other, &mut world.client);
    assert_eq!(demo::choose_entry().bind(client).opt().unwrap(), None);
    add_entries(client, other, 3);
    add_entries(client, tenant, 10);
    let chosen = demo::choose_entry().bind(client).one().unwrap();
    assert_eq!(
        (chosen.tenant_id, chosen.tenant.as_str(), chosen.seq, chosen.has_amount),
        (tenant, "one", 5, false)
    );
    client
        .execute(
            "INSERT INTO audits (tenant_id, actor_type, actor_id, action, resource_type, details) \
             VALUES ($1, 'user', 'ann', 'pay', 'invoice', '{\"amount\": 12.50}')",
            &[&tenant],
        )
        .unwrap();
    let chosen = demo::choose_entry().bind(client).one().unwrap();
    assert_eq!((chosen.seq, chosen.action.as_str(), chosen.has_amount), (11, "pay", true));
    assert_eq!(chosen.details, "{\"amount\": 12.50}");
}
