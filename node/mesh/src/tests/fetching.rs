//! Missing parents are asked for, within bounds.

use super::{NOW_MS, PEER, World, ladder};
use crate::{Effect, Origin, PeerId};
use std::collections::BTreeSet;

#[test]
fn one_question_a_cell_is_open_and_the_next_goes_to_another_peer() {
    let mut world = World::new("a0: R R\nb0: R a0\nc0: R a0\nd0: R a0");
    assert_eq!(world.push("b0"), ["wait b0 V7", "fetch a0 1"]);
    let from_another = world.give_from("c0", Origin::Pushed, PeerId(2));
    assert_eq!(world.say(&from_another), ["wait c0 V7"], "it is asked for already");
    assert_eq!(world.give("b0", Origin::Pushed), [""; 0]);
    assert_eq!(world.tick(NOW_MS + 499), [""; 0]);
    assert_eq!(world.tick(NOW_MS + 500), ["fetch a0 2"]);
    assert_eq!(world.tick(NOW_MS + 1_000), ["fetch a0 1"]);
    assert_eq!(world.tick(NOW_MS - 9_000), ["fetch a0 2"], "a clock that went back does not stop the questions");
    assert_eq!(world.tick(NOW_MS - 8_501), [""; 0]);
    assert_eq!(world.push("a0"), ["admit a0", "admit b0", "admit c0"]);
    let usage = world.mesh.usage();
    assert_eq!((usage.pending, usage.wanted, usage.asked), (0, 0, 0));
}

#[test]
fn the_peers_to_ask_are_few_and_a_new_one_comes_first() {
    let mut text = "a0: R R\n".to_owned();
    ('b'..='t').for_each(|author| text += &format!("{author}0: R a0\n"));
    let mut world = World::new(&text);
    for (peer, author) in ('b'..='t').enumerate() {
        world.give_from(&format!("{author}0"), Origin::Pushed, PeerId(peer as u32));
    }
    let asked: Vec<String> = (1..7).flat_map(|time| world.tick(NOW_MS + time * 500)).collect();
    let peers: Vec<&str> = asked.iter().map(|line| line.trim_start_matches("fetch a0 ")).collect();
    assert_eq!(peers, ["18", "17", "16", "15", "18", "17"]);
}

#[test]
fn ancestors_are_fetched_one_generation_after_the_other() {
    let mut world = World::new(&ladder(30));
    let mut open = vec!["b29".to_owned()];
    let mut asked = BTreeSet::new();
    let mut steps = 0;
    while let Some(name) = open.pop() {
        steps += 1;
        let origin = if steps == 1 { Origin::Pushed } else { Origin::Fetched };
        for effect in world.give_from(&name, origin, PEER) {
            if let Effect::Fetch { cell, .. } = effect {
                let name = world.drawing.name(&cell);
                assert!(asked.insert(name.clone()), "{name} is asked for twice");
                open.push(name);
            }
        }
    }
    assert_eq!(world.mesh.usage().held, 60);
    assert_eq!(asked.len(), 59);
}

#[test]
fn nothing_is_fetched_beyond_64_generations() {
    let mut world = World::new(&ladder(100));
    let mut open = vec!["b99".to_owned()];
    let mut fetched = Vec::new();
    while let Some(name) = open.pop() {
        let origin = if fetched.is_empty() { Origin::Pushed } else { Origin::Fetched };
        for effect in world.give_from(&name, origin, PEER) {
            if let Effect::Fetch { cell, .. } = effect {
                let name = world.drawing.name(&cell);
                fetched.push(name.clone());
                // the oldest question is answered first, so a generation is complete before the next
                open.insert(0, name);
            }
        }
    }
    let lowest = fetched.iter().map(|name| name[1..].parse::<usize>().unwrap()).min();
    assert_eq!(lowest, Some(99 - 64));
    assert_eq!(world.mesh.usage().held, 0);
    // what is pushed begins anew, and the pile is released by the first cells
    for seq in 0..36 {
        world.give(&format!("a{seq} b{seq}"), Origin::Pushed);
    }
    assert!(world.mesh.usage().held >= 2 * 64, "{:?}", world.mesh.usage());
}

#[test]
fn invented_parents_of_one_author_do_not_delay_the_questions_of_another() {
    let mut text = "a0: R R\nb0: R a0\n".to_owned();
    for number in 0..200 {
        text += &format!("d1{}: ?d{number} ?p{number}\n", "'".repeat(number));
    }
    let mut world = World::new(&text);
    let names: Vec<String> = world.drawing.cells[2..].iter().map(|cell| cell.name.clone()).collect();
    for name in names {
        world.give(&name, Origin::Fetched);
    }
    let usage = world.mesh.usage();
    assert_eq!((usage.wanted, usage.asked), (400, 64), "a quarter of the 256 questions is one author's share of four");
    assert_eq!(world.push("b0"), ["wait b0 V7", "fetch a0 1"]);
    let later = world.tick(NOW_MS + 500);
    assert_eq!(later.len(), 65, "other questions of the flood, and the honest one again");
    assert!(later.contains(&"fetch a0 1".to_owned()));
}

#[test]
fn what_an_author_needs_is_asked_for_at_once_however_many_questions_are_open_for_another() {
    let mut text: String =
        (0..130).map(|number| format!("a{}: ?{number} ?x{number} depth=900\n", number + 500)).collect();
    text += "a0: R R\na1: a0 R\na2: a1 R\nb0: R a2\nc0: R b0\n";
    let mut world = World::new(&text);
    for number in 500..630 {
        world.give(&format!("a{number}"), Origin::Fetched);
    }
    assert_eq!(world.give("a1", Origin::Fetched), ["wait a1 V7"], "a has its share of open questions");
    assert_eq!(world.give("a2", Origin::Fetched), ["wait a2 V7"]);
    let effects = world.give_from("b0", Origin::Pushed, PeerId(2));
    assert_eq!(world.say(&effects), ["wait b0 V7", "fetch a0 2"], "b needs it too, and knows who has it");
    assert_eq!(world.push("c0"), ["wait c0 V7"], "it is asked for already");
    assert_eq!(world.give("a0", Origin::Fetched), ["admit a0", "admit a1", "admit a2", "admit b0", "admit c0"]);

    // the other way round: the cell that waits for it came first
    let mut world = World::new(&text);
    for number in 500..630 {
        world.give(&format!("a{number}"), Origin::Fetched);
    }
    assert_eq!(world.push("b0"), ["wait b0 V7", "fetch a2 1"]);
    assert_eq!(world.give("a2", Origin::Fetched), ["wait a2 V7", "fetch a1 1"]);
    assert_eq!(world.give("a1", Origin::Fetched), ["wait a1 V7", "fetch a0 1"]);
}
