-- The trace of the request that caused an event, for its handlers. Without a CHECK: one is planned anew in every statement that writes.

set local role {owner};
alter table plinth.events add column traceparent text;
