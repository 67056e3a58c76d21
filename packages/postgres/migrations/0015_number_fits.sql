-- What a trial of an arrival may ask where the arrival itself moves a sequence. Begins as the login that migrates.

set local role {owner};

-- No transaction takes back that a sequence was moved on, so a trial asks and does not move.
create function plinth.number_fits(place regclass, named text, used bigint) returns boolean language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
  as $$
  declare
    counter text := pg_get_serial_sequence(place::text, named);
    reached bigint;
  begin
    if counter is null then return true; end if;
    execute format('select last_value from %s', counter) into reached;
    return used <= reached or used <= (select s.seqmax / 2 from pg_sequence s where s.seqrelid = counter::regclass);
  end
  $$;
comment on function plinth.number_fits(regclass, text, bigint) is
  'Whether plinth.number_after would let an identity column go on after this number. Moves nothing.';
revoke all on function plinth.number_fits(regclass, text, bigint) from public;
grant execute on function plinth.number_fits(regclass, text, bigint) to {system};
