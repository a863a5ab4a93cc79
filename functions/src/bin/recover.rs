//! The Lambda function that compares bots with the exchange: on a schedule, and whenever asked.

use aws_lambda_events::sqs::SqsBatchResponse;
use functions::{Parts, Settings, Wake, deadline, recover_batch, send_due_on, start_log};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    start_log();
    let parts = Parts::open(&Settings::of_process()?).await;
    let ((), proven) = tokio::join!(parts.warm(), parts.prove_table());
    proven?;
    let parts = &parts;
    run(service_fn(move |event: LambdaEvent<Wake>| async move {
        match event.payload {
            Wake::Asked(event) => {
                Ok::<_, Error>(Box::pin(recover_batch(parts, event.records)).await)
            }
            Wake::Scheduled(_) => {
                send_due_on(parts, deadline(&event.context, &parts.clock)).await?;
                Ok(SqsBatchResponse::default())
            }
        }
    }))
    .await
}
