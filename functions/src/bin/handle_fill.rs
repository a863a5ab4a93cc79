//! The Lambda function that handles reports of orders from the queue.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use functions::{Parts, Settings, deadline, handle_batch, start_log};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    start_log();
    let parts = Parts::open(&Settings::of_process()?).await;
    let ((), proven) = tokio::join!(parts.warm(), parts.prove_table());
    proven?;
    let parts = &parts;
    run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        let until = deadline(&event.context, &parts.clock);
        let failed = Box::pin(handle_batch(parts, event.payload.records, until)).await;
        Ok::<SqsBatchResponse, Error>(failed)
    }))
    .await
}
