-- What a tenant that arrives from another platform needs of the owner. Begins as the login that migrates.

set local role {owner};

-- Rows of a table that numbers its rows bring their numbers; the next one that is made must not meet them. Not into the upper half of
-- what there is: with one row of the largest number an archive would use the numbers of all tenants up.
create function plinth.number_after(place regclass, named text, used bigint) returns boolean language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  as $$
  declare
    counter text := pg_get_serial_sequence(place::text, named);
    reached bigint;
  begin
    if counter is null then return true; end if;
    execute format('select last_value from %s', counter) into reached;
    if used <= reached then return true; end if;
    if used > (select s.seqmax / 2 from pg_sequence s where s.seqrelid = counter::regclass) then return false; end if;
    perform setval(counter, used);
    return true;
  end
  $$;
comment on function plinth.number_after(regclass, text, bigint) is
  'Lets an identity column go on after this number, for rows that were moved here. False for a number that is too large.';
revoke all on function plinth.number_after(regclass, text, bigint) from public;
grant execute on function plinth.number_after(regclass, text, bigint) to {system};
