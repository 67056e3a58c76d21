-- Of which version the data of an event is: a release reads what the one before it left behind.

set local role {owner};
alter table plinth.events add column version smallint not null default 1;
