//! `qsdm gov tracks`

use super::{
    Context,
    format::{duration, units},
};
use eyre::Result;

pub(super) fn run(context: &Context) -> Result<()> {
    let tracks = context.reader().tracks()?;
    if context.json {
        println!("{}", serde_json::to_string(&tracks)?);
        return Ok(());
    }
    for track in tracks {
        println!("{}", track.track);
        println!("  for          {}", track.purpose);
        println!(
            "  takes        {} until the vote, {} of voting, {} in the timelock",
            duration(track.voting_delay_s),
            duration(track.voting_period_s),
            duration(track.timelock_delay_s)
        );
        println!("  then         {} to queue it, and as long to execute it", duration(track.execution_window_s));
        println!("  to propose   {} votes", units(track.threshold));
        println!("  quorum       {} % of all reputation", track.quorum_percent);
        println!("  governor     {}", track.governor);
        println!("  timelock     {}\n", track.timelock);
    }
    Ok(())
}
