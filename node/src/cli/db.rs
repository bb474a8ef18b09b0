//! `qsdm db`

use super::progress::Progress;
use crate::committee::start::open_mesh;
use clap::{Args, Subcommand};
use eyre::{Result, WrapErr, eyre};
use qsdm_primitives::Height;
use qsdm_storage::{MeshStore, Store};
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};

/// Commands of `qsdm db`.
#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Read all that a stopped node keeps, and check every checksum and reference
    Verify(VerifyArgs),
}

/// Arguments of `qsdm db verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Folder of the node, or of `qsdm dev --data-dir`
    #[arg(long, value_name = "DIR", env = "QSDM_DIR")]
    dir: PathBuf,
}

pub(super) fn run(command: &DbCommand) -> Result<ExitCode> {
    match command {
        DbCommand::Verify(args) => verify(args),
    }
}

/// What was read of the mesh.
#[derive(Debug, Default)]
struct Mesh {
    blocks: u64,
    cells: u64,
    damages: Vec<String>,
}

fn verify(args: &VerifyArgs) -> Result<ExitCode> {
    let folder = &args.dir;
    let named = || format!("the chain in {} does not open", folder.display());
    let spec = Store::stored_spec(folder).wrap_err_with(named)?;
    let spec = spec.ok_or_else(|| eyre!("{} holds no chain", folder.display()))?;
    let store = Store::open(folder, &spec).wrap_err_with(named)?;
    let mut progress = Progress::new("pages");
    let report = store.check(&mut |now| {
        progress.stage(now.stage);
        progress.show(now.done, now.total);
    })?;
    // a chain that one node makes has no mesh
    let mesh = match folder.join("mesh.db").exists() {
        true => {
            let (mesh, newest) = open_mesh(folder, &spec).wrap_err_with(named)?;
            progress.stage("mesh");
            Some(read_mesh(&mesh, newest, &mut progress))
        }
        false => None,
    };
    progress.end();
    let of_mesh = mesh.as_ref().map_or(&[][..], |mesh| &mesh.damages);
    for damage in report.damages.iter().chain(of_mesh) {
        eprintln!("damaged: {damage}");
    }
    let damaged = report.damaged + of_mesh.len() as u64;
    let line = json!({
        "blocks": report.blocks,
        "steps": report.steps,
        "accounts": report.accounts,
        "slots": report.slots,
        "committed": mesh.as_ref().map(|mesh| mesh.blocks),
        "cells": mesh.as_ref().map(|mesh| mesh.cells),
        "damaged": damaged,
    });
    println!("{line}");
    if damaged > 0 {
        eprintln!(
            "Restore a copy of the folder, but never an old safety.log; or begin a new folder with `qsdm init` and let it fetch the chain."
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Every committed block with its cells. Reading checks what is read.
fn read_mesh(mesh: &MeshStore, newest: Height, progress: &mut Progress) -> Mesh {
    let mut found = Mesh::default();
    for height in 1..=newest.0 {
        progress.show(height, newest.0);
        let commit = match mesh.commit(Height(height)) {
            Ok(Some(commit)) => commit,
            Ok(None) => {
                found.damages.push(format!("the committed block of height {height} is missing"));
                continue;
            }
            Err(error) => {
                found.damages.push(error.to_string());
                continue;
            }
        };
        match mesh.block(&commit.id) {
            Ok(Some((block, _))) if block.header().id() == commit.id => found.blocks += 1,
            Ok(_) => found.damages.push(format!("block {} of height {height} is not what was committed", commit.id)),
            Err(error) => found.damages.push(error.to_string()),
        }
        for id in &commit.cells {
            match mesh.cell(id) {
                Ok(Some(cell)) if cell.header().id() == *id && cell.header().body == cell.body.hash() => {
                    found.cells += 1
                }
                Ok(_) => found.damages.push(format!("cell {id} of height {height} is not what was committed")),
                Err(error) => found.damages.push(error.to_string()),
            }
        }
    }
    found
}
