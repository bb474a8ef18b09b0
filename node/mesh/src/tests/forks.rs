//! Two cells in one place of a lane.

use super::{NOW_MS, PEER, World};
use crate::{CellSource, Effect, Origin, PlanError, draw::Drawing};
use qsdm_primitives::{Evidence, Signers, SubmeshId, ValidatorIndex};

const FORK: &str = "a0: R R\na0': R R t=1001\nb0: R a0\nc0: R a0'\na1: a0 b0\nd0: R a1\n";

#[test]
fn a_fork_is_evidence_and_both_branches_are_kept() {
    for order in ["a0 a0'", "a0' a0"] {
        let mut world = World::new(FORK);
        let said = world.push(order);
        let second = order.split(' ').nth(1).unwrap();
        assert_eq!(said[1..], ["evidence a".to_owned(), format!("admit {second}")]);
        assert_eq!(world.mesh.quarantined(), Signers(1));
        assert_eq!(world.push("b0 c0"), ["admit b0", "admit c0"], "cells on either branch stay valid");
        assert_eq!(world.push("a1"), ["refuse a1 V9"]);
    }
}

#[test]
fn the_evidence_is_the_same_whichever_cell_came_first() {
    let proof = |order: [&str; 2]| {
        let mut world = World::new(FORK);
        let effects: Vec<Effect> = order.iter().flat_map(|name| world.give_from(name, Origin::Pushed, PEER)).collect();
        effects.into_iter().find_map(|effect| if let Effect::Evidence(proof) = effect { Some(proof) } else { None })
    };
    let proof_of_one = proof(["a0", "a0'"]);
    assert!(matches!(proof_of_one, Some(Evidence::LaneFork(_))));
    assert_eq!(proof_of_one, proof(["a0'", "a0"]));
}

#[test]
fn evidence_is_reported_once_an_author() {
    let mut text = "a0: R R\n".to_owned();
    for ticks in 1..40 {
        text += &format!("a0{}: R R t={}\n", "'".repeat(ticks), 1_000 + ticks);
    }
    let mut world = World::new(&text);
    let names: Vec<String> = world.drawing.cells.iter().map(|cell| cell.name.clone()).collect();
    let said = world.push(&names.join(" "));
    assert_eq!(said.iter().filter(|line| line.starts_with("evidence")).count(), 1);
    assert_eq!(said.iter().filter(|line| line.starts_with("admit")).count(), 2, "the two that prove it");
    assert_eq!(world.mesh.usage().held, 2);
}

#[test]
fn a_fork_shows_while_its_cells_wait_for_their_parents() {
    let mut world = World::new("b0: R R\na0: R b0\na0': R b0 t=1001");
    assert_eq!(world.push("a0 a0'"), ["wait a0 V7", "fetch b0 1", "evidence a", "wait a0' V7"]);
    assert_eq!(world.push("b0").len(), 3, "both are released");
}

#[test]
fn a_fork_against_a_committed_cell_is_evidence_too() {
    let mut world = World::new(FORK);
    world.push("a0");
    world.include("a0");
    assert_eq!(world.mesh.usage().held, 0);
    assert_eq!(world.push("a0"), [""; 0], "the committed cell itself is known");
    assert_eq!(world.push("a0'"), ["evidence a", "admit a0'"]);
}

#[test]
fn plans_link_to_neither_branch() {
    let mut world = World::of(FORK, 1);
    world.push("a0 a0'");
    let plan = world.mesh.plan(SubmeshId(0), NOW_MS).unwrap();
    let root = Drawing::parse("a0: R R").unwrap().cells[0].cell.header().links.own;
    assert_eq!(plan.links.peer, root);
    assert!(world.mesh.cell(&world.id("a0")).is_some());
}

#[test]
fn a_forked_own_lane_is_not_continued() {
    let mut world = World::of(FORK, 0);
    world.push("a0 a0'");
    let error = PlanError::Quarantined { author: ValidatorIndex(0) };
    assert_eq!(world.mesh.plan(SubmeshId(0), NOW_MS), Err(error));
}
