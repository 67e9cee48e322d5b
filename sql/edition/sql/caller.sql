-- The caller: identifying and admitting them. The database role is the one that SET ROLE chose (a SECURITY DEFINER function does
-- not change it), never a claim; only the user id is read from the claims.
create function stream_ext.caller_is_member(role_name name, owner_name name) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 = $2 then
        return true;
    end if;
    if not pg_has_role($1, $2, 'member') then
        return false;
    end if;
    if not (select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = $1) then
        return true;
    end if;
    -- A superuser belongs to every role, and there is no superuser bypass: only a membership that was granted counts.
    return exists (
        with recursive belongs (role_id) as (
            select r.oid from pg_catalog.pg_roles as r where r.rolname = $1
            union
            select m.roleid from pg_catalog.pg_auth_members as m join belongs as b on b.role_id = m.member
        )
        select from belongs as b join pg_catalog.pg_roles as r on r.oid = b.role_id where r.rolname = $2
    );
end
$$;
comment on function stream_ext.caller_is_member(name, name) is 'Whether a role is the owner of the tables or was made a member of it.';

create function stream_ext.caller_is_claims(claims text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Where Postgres has it: no subtransaction.
    if $1 !~ e'\\\\u' and current_setting('server_version_num')::integer >= 160000 then
        return pg_input_is_valid($1, 'json') and json_typeof($1::json) = 'object';
    end if;
    begin
        -- Every text in it is read: an escape that is no character is found only so.
        perform from json_each_text($1::json);
        return json_typeof($1::json) = 'object';
    exception
        when others then
            return false;
    end;
end
$$;
comment on function stream_ext.caller_is_claims(text) is 'Whether a text is a JSON object; no error quotes it.';

create function stream_ext.caller_without_escapes(claims text) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    odd constant pg_catalog.text := e'((?:^|[^\\\\])(?:\\\\\\\\)*)\\\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})';
begin
    -- The zero character and halves of pairs, which Postgres refuses wherever they stand, become a character that no id has. Twice:
    -- what stands next to the last one is not looked at again.
    return regexp_replace(regexp_replace($1, odd, e'\\1\\\\u0001', 'g'), odd, e'\\1\\\\u0001', 'g');
end
$$;
comment on function stream_ext.caller_without_escapes(text) is 'Claims whose texts can all be read; what stands in other members is not looked at.';

create function stream_ext.caller_claimed(claims text, out user_id uuid, out is_anonymous boolean)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    readable constant pg_catalog.text := case when $1 ~ e'\\\\u' then stream_ext.caller_without_escapes($1) else $1 end;
    object pg_catalog.json;
    sub pg_catalog.text;
    kinds pg_catalog.text;
begin
    if coalesce($1, '') = '' then
        is_anonymous := false;
        return;
    end if;
    if not stream_ext.caller_is_claims(readable) then
        perform stream_ext.refuse_with_hint('token_invalid', 'request.jwt.claims is not a claims object');
    end if;
    object := readable;
    kinds := concat(coalesce(json_typeof(object -> 'sub'), 'null'), ' ', coalesce(json_typeof(object -> 'is_anonymous'), 'boolean'));
    if kinds not in ('string boolean', 'null boolean')
        or $1 ~ e'"sub".*"sub"|"is_anonymous".*"is_anonymous"|\\\\u' and exists (
            select from json_object_keys(object) as k where k in ('sub', 'is_anonymous') group by k having count(*) > 1)
    then
        perform stream_ext.refuse_with_hint('token_invalid', 'request.jwt.claims is not a claims object');
    end if;
    is_anonymous := coalesce((object ->> 'is_anonymous')::boolean, false);
    sub := object ->> 'sub';
    if coalesce(sub, '') = '' then
        return;
    end if;
    if sub !~* '^([0-9a-f]{32}|([{]|urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}[}]?)$' collate "C"
        or (sub like '{%') <> (sub like '%}')
    then
        perform stream_ext.refuse_with_hint('token_invalid', 'claim sub is not a uuid');
    end if;
    user_id := replace(lower(sub collate "C"), 'urn:uuid:', '');
end
$$;
comment on function stream_ext.caller_claimed(text) is
    'The user of any claims, null without claims or without a sub, and whether they signed in without an account. Claims that cannot be read are refused and never quoted.';

create function stream_ext.caller_has_each_once(claims text, object jsonb) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- jsonb keeps of two members of one name the last. Supabase's claims hold these names in members of members, too.
    said constant pg_catalog.text := $2::text;
begin
    return octet_length(said) - octet_length(replace(said, '"sub"', '')) = octet_length($1) - octet_length(replace($1, '"sub"', ''))
        and octet_length(said) - octet_length(replace(said, '"is_anonymous"', ''))
            = octet_length($1) - octet_length(replace($1, '"is_anonymous"', ''));
end
$$;
comment on function stream_ext.caller_has_each_once(text, jsonb) is
    'Whether no object of the claims names sub or is_anonymous twice; object are the claims as jsonb. Escapes are not looked at.';

create function stream_ext.user_id() returns uuid
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
as $$
begin
    return (stream_ext.caller_admit(null)).id;
end
$$;
comment on function stream_ext.user_id() is
    'The user that the claims name, whatever the role; null without claims or without a sub. Policies ask for it.';

create function stream_ext.caller_admit(writes boolean, out id uuid, out is_anonymous boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    role_name constant pg_catalog.name := coalesce(nullif(current_setting('role'), 'none'), session_user);
    claims pg_catalog.text;
    object pg_catalog.jsonb;
    claimed pg_catalog.record;
begin
    -- Most callers are users, and no members of the owner: that is known by one expression, which is prepared anew in every transaction.
    if $1 is null or role_name <> 'authenticated' or pg_has_role(role_name, current_user, 'member')
        or current_setting('transaction_isolation') in ('repeatable read', 'serializable')
    then
        -- Statements would judge by what was true when the transaction began, and raise 40001 at rows that changed since.
        if $1 and current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
            perform stream_ext.refuse('isolation_level');
        end if;
        if $1 is not null and (role_name = 'service_role' or stream_ext.caller_is_member(role_name, current_user)) then
            return;
        end if;
        if $1 is not null and role_name <> 'authenticated' then
            perform stream_ext.refuse('unauthenticated');
        end if;
    end if;
    claims := current_setting('request.jwt.claims', true);
    -- Nearly all claims: without escapes that jsonb refuses, without a member twice, and with a uuid as Postgres writes it. Whatever
    -- jsonb reads differently than json is left to the general way.
    begin
        object := claims::jsonb;
        id := object ->> 'sub';
        is_anonymous := coalesce((object ->> 'is_anonymous')::boolean, false);
        if id::text = object ->> 'sub' and strpos(claims, e'\\u') = 0
            and concat(jsonb_typeof(object -> 'sub'), coalesce(jsonb_typeof(object -> 'is_anonymous'), 'boolean')) = 'stringboolean'
            and (
                octet_length(claims) - octet_length(replace(claims, '"sub"', '')) <= 5
                    and octet_length(claims) - octet_length(replace(claims, '"is_anonymous"', '')) <= 14
                or stream_ext.caller_has_each_once(claims, object))
        then
            return;
        end if;
    exception
        when others then
            null;
    end;
    claimed := stream_ext.caller_claimed(claims);
    id := claimed.user_id;
    is_anonymous := claimed.is_anonymous;
    if id is null and $1 is not null then
        perform stream_ext.refuse('unauthenticated');
    end if;
end
$$;
comment on function stream_ext.caller_admit(boolean) is
    'Admits a call: the user who calls, null for the service, and whether they signed in without an account. writes: statements judge by what is true now, so not above READ COMMITTED; null: nobody is admitted or refused, whatever the role, and the user is the one that the claims name.';

create function stream_ext.enter_to_read() returns uuid
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
as $$
begin
    return (stream_ext.caller_admit(false)).id;
end
$$;
comment on function stream_ext.enter_to_read() is 'Admits a call that only reads; returns the user who calls, null for the service.';

create function stream_ext.caller_require_read_committed() returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Statements would judge by what was true when the transaction began, and raise 40001 at rows that changed since, which
    -- PostgREST up to 14 retries for ever.
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        perform stream_ext.refuse('isolation_level');
    end if;
end
$$;
comment on function stream_ext.caller_require_read_committed() is 'Refuses a transaction above READ COMMITTED.';

create function stream_ext.enter_to_write() returns uuid
language plpgsql strict
set search_path = pg_catalog, pg_temp
as $$
begin
    return (stream_ext.caller_admit(true)).id;
end
$$;
comment on function stream_ext.enter_to_write() is 'Admits a call that writes; returns the user who calls, null for the service.';

create function stream_ext.caller_resolve(caller_id uuid, named uuid) returns uuid
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 is null and $2 is null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the service must name the user');
    end if;
    if $1 <> $2 then
        perform stream_ext.refuse('not_self');
    end if;
    return coalesce($1, $2);
end
$$;
comment on function stream_ext.caller_resolve(uuid, uuid) is
    'The user whom a call is about: the one named in an argument, by default the caller. caller_id null: the service, who must name one.';

create function stream_ext.act_for(user_id uuid) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.record := stream_ext.caller_admit(true);
    named constant pg_catalog.uuid := coalesce($1, caller.id);
begin
    if named is null or caller.id <> named then
        perform stream_ext.caller_resolve(caller.id, $1);
    end if;
    -- The usual table of users, without a call.
    if stream_ext.application_has_auth_users() then
        perform from auth.users as u where u.id = named for key share;
    else
        perform stream_ext.application_hold_user(named);
    end if;
    return named;
end
$$;
comment on function stream_ext.act_for(uuid) is
    'Admits a call that writes for a user, by default the caller, and keeps the user from being deleted meanwhile. Comes before anything is locked.';
