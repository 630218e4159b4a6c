"""Tables, streams and queues: DynamoDB and memory behind the same ports, held by the same contract tests."""
