//! `gridkeeper simulate-exchange`: a small Binance Spot on this machine.

use std::io::Write;

use exchange_simulator::faults::FaultPlan;
use exchange_simulator::{
    DEMO_API_KEY, DEMO_API_SECRET, Simulator, SimulatorConfig, SimulatorError,
};

use crate::cli::SimulateArgs;
use crate::failure::{Exit, Failure, Outcome};

/// Serves until prices end and everything is quiet, or until Ctrl-C.
pub(super) async fn simulate(args: &SimulateArgs, out: &mut dyn Write) -> Outcome {
    let simulator = Simulator::start(config(args)?).await.map_err(refused)?;
    let (rest, web_socket) = (simulator.rest_url(), simulator.ws_url());
    writeln!(
        out,
        "a simulated exchange listens on {} ({})",
        simulator.address(),
        simulator.stats().symbol
    )?;
    writeln!(out, "its account has the key {DEMO_API_KEY}")?;
    writeln!(
        out,
        "and the secret {DEMO_API_SECRET}, which open nothing else"
    )?;
    writeln!(out, "to use it, in another terminal:")?;
    writeln!(out, "  export GRIDKEEPER_BINANCE_REST={rest}")?;
    writeln!(out, "  export GRIDKEEPER_BINANCE_WS={web_socket}")?;
    writeln!(out, "  export GRIDKEEPER_TRADE_SECRET={DEMO_API_SECRET}")?;
    writeln!(out, "  gridkeeper account add demo --key {DEMO_API_KEY}")?;
    writeln!(out, "prices start once orders have come; stop with Ctrl-C")?;
    out.flush()?;
    let finished = tokio::select! {
        finished = simulator.wait_finished() => finished,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.map_err(|error| Failure::refused(format!("Ctrl-C cannot be waited for: {error}")))?;
            Ok(())
        }
    };
    let stats = simulator.stats();
    simulator.shutdown().await;
    finished.map_err(refused)?;
    writeln!(
        out,
        "{} prices; orders open at the end: {}; completed orders that no other had followed: {}",
        stats.prints,
        stats.open_orders,
        stats.owing.len()
    )?;
    Ok(Exit::Yes)
}

fn config(args: &SimulateArgs) -> Result<SimulatorConfig, Failure> {
    let mut config = match &args.tape {
        Some(tape) => SimulatorConfig::tape(tape),
        None => SimulatorConfig::seeded(args.seed),
    };
    config.listen = args.listen;
    config.speed = args.speed;
    config.fault_seed = args.seed;
    let name = args.faults.name();
    config.faults = FaultPlan::preset(name).ok_or_else(|| {
        Failure::bad_input(format!("there is no fault preset {name}")).at("--faults")
    })?;
    Ok(config)
}

fn refused(error: SimulatorError) -> Failure {
    match &error {
        SimulatorError::Listen { address, source } => {
            Failure::bad_input(format!("cannot listen on {address}: {source}"))
                .at(format!("--listen {address}"))
                .mend("another program uses the port: stop it, or name another, such as --listen 127.0.0.1:9081")
        }
        SimulatorError::NotLoopback(address) => Failure::bad_input(&error)
            .at(format!("--listen {address}"))
            .mend("use 127.0.0.1: whoever reaches the simulator may command it"),
        SimulatorError::Tape(_) => Failure::bad_input(&error)
            .at("--tape")
            .mend("give a file of Binance's public aggTrades or trades, plain or .gz"),
        SimulatorError::StartPrice(_) | SimulatorError::Rules(_) | SimulatorError::Refused(_) => {
            Failure::refused(&error)
        }
    }
}
