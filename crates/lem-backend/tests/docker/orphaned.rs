//! Containers of campaigns that ended without removing them.

use std::mem::forget;

use lem_backend::Backend;
use lem_backend::docker::orphans::{Found, remove_orphans};
use lem_backend::docker::{Holder, Owner};

use crate::rig::{Rig, TOOLS, rig, shell, until_ready};

/// Leaves a container behind, as a process that is killed does.
async fn abandon(rig: &Rig, owner: Owner) {
    let mut backend = rig.ephemeral(&format!("image: {TOOLS}"));
    backend.owner = owner;
    let mut session = backend.start(&shell("echo ready; exec sleep 600")).await.expect("starts");
    until_ready(&mut session).await;
    forget(session);
}

#[tokio::test]
async fn those_of_a_dead_process_are_removed_and_those_of_a_live_one_are_not() {
    let Some(rig) = rig().await else { return };
    let this = Holder::this_process().expect("there is /proc");
    let dead = Holder::parse(&format!("{this}0")).expect("a holder");
    let owner = |run: &str, holder| Owner {
        campaign: rig.campaign.clone(),
        run: Some(run.into()),
        holder: Some(holder),
    };
    abandon(&rig, owner("of-the-dead", dead)).await;
    abandon(&rig, owner("of-the-living", this)).await;
    // Tests of other processes may run on the same engine.
    let other = |found: &Found| found.campaign != rig.campaign;
    let removed =
        remove_orphans(&rig.engine, |found| other(found) || found.may_be_held()).await.expect("removed");
    assert_eq!(removed.iter().map(|found| found.run.as_deref()).collect::<Vec<_>>(), [Some("of-the-dead")]);
    let removed = remove_orphans(&rig.engine, other).await.expect("removed");
    assert_eq!(removed.iter().map(|found| found.run.as_deref()).collect::<Vec<_>>(), [Some("of-the-living")]);
    rig.assert_none_left().await;
}
